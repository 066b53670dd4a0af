//! What the measuring process is told, and what it tells: one line of JSON each.

use camino::Utf8PathBuf;
use firstlayer_policy::Channel;
use serde::{Deserialize, Serialize};

use super::verdict::Finding;

/// What to measure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// The emulator that runs the image's programs.
    pub(super) emulator: Utf8PathBuf,
    /// Where the image is unpacked.
    pub(super) root: Utf8PathBuf,
    /// A folder for everything else.
    pub(super) folder: Utf8PathBuf,
    /// The channel that the image follows.
    pub(super) channel: Channel,
}

/// What has happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum News {
    /// An experiment is through.
    Measured {
        /// The capability's name.
        capability: String,
        /// What it brought.
        finding: Finding,
    },
}
