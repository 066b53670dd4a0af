//! The gate: what the cloud withholds from which printer, by the signed rules, and how that printer gets out of it.
//!
//! It decides by verified metadata alone, tells every printer where its update is, and refuses no update. It hands out
//! presigned URLs and credentials for MQTT only after a ruling that allows them, and no secret leaves it in a URL, a log
//! or an error.

#![forbid(unsafe_code)]

pub mod audit;
mod census;
pub mod cli;
pub mod config;
pub mod decision;
pub mod exit;
pub mod files;
mod gate;
pub mod http;
pub mod keyring;
mod limits;
pub mod metadata;
pub mod metrics;
pub mod mqtt;
pub mod overview;
pub mod printer;
pub mod secret;
pub mod service;
mod tls;

pub use census::{NotRecorded, Reports, keep_keys, keep_retention};
pub use gate::{Asked, Gate, Mqtt, Parts, Tokens};

/// An error and all that caused it, as one sentence.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        // Some errors repeat their cause.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    text
}
