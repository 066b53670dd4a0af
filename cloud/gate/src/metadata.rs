//! The signed rules: fetched, verified, kept, and swapped in at once.
//!
//! What is in force comes from verification alone, also after a restart: what is kept on the disk is a small copy of the
//! repository as it was accepted, and is verified again from the trust anchor. Whatever is refused leaves the last good
//! rules in force with an alarm, and is never a reason to judge a printer more severely.

mod error;
mod folder;
mod keeper;
mod kept;
mod refresh;
mod shown;
mod source;
mod standing;
mod verify;

pub use error::RefreshError;
pub(crate) use keeper::METADATA;
pub use keeper::{Change, Keeper, Origin};
pub(crate) use kept::ACCEPTED;
pub use refresh::{Pace, keep_fresh};
pub use shown::Freshness;
pub use source::{Source, SourceError};
pub use standing::{Alarm, Standing, Status};
pub use verify::InForce;
