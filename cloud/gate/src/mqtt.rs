//! MQTT: which printer may have the broker's word, for how long, and for its own topics alone.
//!
//! The control connection is how a printer hears that it must update. So it is withheld only where a rule withholds
//! `cloud-control`; jobs over it are `cloud-print`, and the printer itself keeps to that.

pub mod broker;
mod credentials;
mod topics;

pub use credentials::{Credentials, Issuer, Unusable};
pub use topics::{Action, may};
