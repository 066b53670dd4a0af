//! Whether old firmware finds its way: the archived program of a version asks today's repository for an update.

mod cached;
mod emulated;
mod memory;

use anyhow::Result;
use camino::Utf8Path;
use firstlayer_bundle::{Model, Sha256};
use firstlayer_policy::{Channel, Release};
use semver::Version;
use serde::{Deserialize, Serialize};

pub(crate) use cached::Cached;
pub use emulated::Emulated;
pub(crate) use memory::Remembered;

/// A version of a board's firmware, and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The channel that it follows.
    pub channel: &'a Channel,
    /// The model that it is tried as.
    pub model: &'a Model,
    /// The release, for one board.
    pub release: &'a Release,
    /// Its bundle.
    pub bundle: &'a Utf8Path,
    /// The repository that it asks.
    pub repository: &'a Utf8Path,
    /// Of what that repository has published.
    pub metadata: Sha256,
}

impl Case<'_> {
    /// The same for cases of which the same comes. A bundle belongs to one channel, and may serve several models.
    fn key(&self) -> String {
        let (bundle, model) = (self.release.bundle.sha256, self.model);
        format!("{bundle}-{model}-{}", self.metadata)
    }
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trial", rename_all = "kebab-case")]
pub enum Tried {
    /// It verified the metadata, and read the manifest of its channel.
    Reads {
        /// The version that it would install next, if one.
        offered: Option<Version>,
    },
    /// It did not.
    Fails {
        /// What it said.
        why: String,
    },
    /// There is nothing to try.
    Untried {
        /// Why.
        why: String,
    },
}

/// Tries old firmware.
pub trait Trial {
    /// Carries one trial out. What the firmware does wrong is no error of the trial.
    ///
    /// # Errors
    /// When it cannot be carried out on this machine.
    fn attempt(&self, case: &Case<'_>) -> Result<Tried>;
}
