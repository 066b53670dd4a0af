//! The printer: the actor that owns the machine, the job and the update host, and whoever talks to it.
//!
//! Requests come in as bytes with their origin, answers and reports go out as bytes with their audience. It opens no
//! socket; the links are told apart by nothing but [`Origin`].

mod actor;
mod handle;
mod job;
mod limits;
mod outbox;
mod rules;
mod services;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod upgrade;

pub use actor::Printer;
pub use handle::{Audience, Incoming, Kind, Origin, Outgoing, PrinterHandle, Stopped};
pub use services::{
    Download, DownloadFailure, Downloads, Host, LanSwitch, Offer, Offered, Pending, UpdateFailure,
    UpdatePhase, UpdateStatus, Updates,
};
pub use snapshot::{CloudSnapshot, JobSnapshot, Snapshot, Temperatures, UpdateSnapshot};
pub use state::{About, Parts};
