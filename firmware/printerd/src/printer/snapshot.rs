//! How the printer stands, for the console.

use serde::Serialize;

use super::services::UpdatePhase;
use crate::protocol::PrinterState;

/// How the printer stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// The version that runs.
    pub version: String,
    /// What the printer is doing.
    pub state: PrinterState,
    /// The job that is, or was the last.
    pub job: Option<JobSnapshot>,
    /// Temperatures, rounded to degrees.
    pub temperatures: Temperatures,
    /// What went wrong last and was not dismissed yet.
    pub error: Option<String>,
    /// Whether LAN mode is on.
    pub lan_mode: bool,
    /// What the cloud decided, if it has.
    pub cloud: Option<CloudSnapshot>,
    /// How the update stands.
    pub update: UpdateSnapshot,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobSnapshot {
    /// What it is called.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Whether the cloud sent it.
    pub from_cloud: bool,
    /// Progress in percent.
    pub percent: u8,
    /// The layer that is being printed.
    pub layer: u32,
    /// Its layers; 0 if not known.
    pub layers: u32,
    /// Minutes until it ends; 0 if not known.
    pub remaining_minutes: u32,
}

/// Temperatures in degrees Celsius, each with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Temperatures {
    /// Of the nozzle.
    pub nozzle: [u16; 2],
    /// Of the bed.
    pub bed: [u16; 2],
    /// Of the chamber.
    pub chamber: [u16; 2],
}

/// What the cloud decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloudSnapshot {
    /// `ok`, `warn`, `update-required` or `stranded`.
    pub decision: &'static str,
    /// Whether jobs from the cloud are refused.
    pub withholds_jobs: bool,
    /// Why, for people.
    pub reason: String,
    /// From when on it is enforced.
    pub deadline: Option<String>,
    /// The version to get.
    pub version: Option<String>,
    /// Where to read more.
    pub help: Option<String>,
}

/// How the update stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdateSnapshot {
    /// What is going on.
    pub phase: UpdatePhase,
    /// Progress in percent.
    pub percent: u8,
    /// A sentence, or nothing.
    pub message: String,
    /// The release to install, if there is one.
    pub newest: Option<String>,
}

#[cfg(test)]
impl Snapshot {
    /// Of no printer.
    pub(super) fn blank() -> Self {
        Self {
            version: String::new(),
            state: PrinterState::Idle,
            job: None,
            temperatures: Temperatures {
                nozzle: [0; 2],
                bed: [0; 2],
                chamber: [0; 2],
            },
            error: None,
            lan_mode: false,
            cloud: None,
            update: UpdateSnapshot {
                phase: UpdatePhase::Idle,
                percent: 0,
                message: String::new(),
                newest: None,
            },
        }
    }
}
