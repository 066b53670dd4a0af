//! What clients and the cloud say to the printer, and what it answers: from bytes to typed commands, from readings to
//! reports. The messages are those of `device/<serial>/request` and `device/<serial>/report`.
//!
//! It decides nothing and does nothing: no socket, no file, no clock. Nothing that a client sent is echoed but its
//! sequence number and short words, because an answer goes to every client, and a URL may hold a secret.

mod call;
mod command;
mod decision;
mod fields;
mod json;
mod limits;
mod refusal;
mod report;
mod source;
mod version;

pub use call::{Call, Tag, read_request};
pub use command::{Command, Gcode, JobIds, Nozzle, PlateMember, ProjectFile, Spool};
pub use decision::{Decision, Verdict};
pub use json::RequestError;
pub use refusal::{ErrorCode, Refusal};
pub use report::{Facts, JobFacts, PrinterState, Reporter, UpgradeFacts};
pub use source::{CardFile, HttpsUrl, JobSource, Md5, SourceError};
pub use version::{FourPart, NotAVersion, Wanted};
