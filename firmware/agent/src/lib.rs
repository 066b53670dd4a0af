//! The update agent: brings a printer from the version it runs to the one its channel offers, and survives
//! anything on the way.
//!
//! The agent is a state machine ([`next`]) with a record of where it stands ([`Record`], kept by a [`Store`]).
//! What touches the world stands behind traits: [`Slots`] (where images go), [`Fetch`] (where bytes come from),
//! [`Reboot`] and [`Clock`]. Everything here blocks; an install uses two threads and, whatever the image's
//! size, a few buffers of one frame each.
//!
//! What must never happen: that the active or the running slot is written, that an image is blessed whose
//! bytes were not read back and compared, that the anti-rollback counter rises before a release is confirmed,
//! or falls at all.

#![forbid(unsafe_code)]

mod agent;
mod atomic;
mod attempt;
mod boot;
mod clock;
mod error;
mod fetch;
mod file_slots;
mod folder;
mod install;
mod metadata;
mod offer;
mod read_back;
mod record;
mod retry;
mod slots;
mod state;
mod status;
mod store;
mod stream;
mod wishes;

pub use agent::{Agent, Installed, Machine, Setup};
pub use atomic::{read_at_most, write_atomically};
pub use boot::{Boot, BootRecord, Slot, Trial, play_boot_loader};
pub use clock::{Clock, Reboot, SystemClock};
pub use error::{AgentError, Fault};
pub use fetch::{Content, Fetch, FetchError, Request};
pub use file_slots::FileSlots;
pub use folder::FolderFetch;
pub use install::{Progress, ProgressEvent, Silent, VerifiedImage};
pub use metadata::MetadataFolder;
pub use offer::{CheckReport, OfferedRelease, OnRequest, Outcome, PassedOver};
pub use record::{Problem, Record, RefusedBundle, Target};
pub use retry::{RetryPolicy, retry_after};
pub use slots::{Blessing, SlotImage, Slots};
pub use state::{Event, Refused, State, next};
pub use status::{Status, StoredMetadata};
pub use store::{FileStore, Store};
