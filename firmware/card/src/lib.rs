//! The printer's card: files under one folder that nothing leaves, each whole or not there.
//!
//! Every path is a [`CardPath`], and every file is opened under one folder handle, so that neither `..` nor a link
//! that somebody planted on the card leads out of it. A new file takes its place by a rename, after a sync: what was
//! there before stays until then, and what was cut off lies in a hidden partial file that no listing shows and no path
//! can name, and that can be resumed.
//!
//! All calls block. It knows nothing of networks or print jobs, and reads no clock.

#![forbid(unsafe_code)]

mod card;
mod entry;
mod error;
mod in_flight;
mod limits;
mod partial;
mod path;
mod upload;

pub use card::{Card, FOLDERS};
pub use entry::{Entry, Kind};
pub use error::CardError;
pub use limits::{CardLimits, DEPTH, NAME_BYTES, PATH_BYTES};
pub use path::{CardPath, PathError};
pub use upload::{Start, Upload};
