//! The printer firmware, as a library under a thin `main`: so that its tests reach what the binary does.
//!
//! [`cli`] turns words into requests, [`config`] files into checked settings, [`update`] requests into reports,
//! and [`render`] reports into text or JSON. [`http`] brings the repository's files; [`lock`] keeps two commands apart.
//! [`cloud`] links it to the operator's broker, [`transfer`] brings job files from there; [`tls`] and [`backoff`] serve whatever goes out to a network.
//! [`wifi`] makes the supplicant's configuration; [`redact`] keeps secrets out of what is logged.
//! [`service`] puts together what runs between a start and an end; [`place`] says whose files are meant.
//! [`protocol`] reads what clients say, and [`printer`] does it.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod exit;
pub mod http;
pub mod lock;
pub mod place;
pub mod printer;
pub mod progress;
pub mod protocol;
pub mod redact;
pub mod render;
pub mod service;
pub mod tls;
#[cfg(feature = "https-transfer")]
pub mod transfer;
pub mod update;
pub mod wifi;
