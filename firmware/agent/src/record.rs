//! What the agent remembers between runs. It changes in memory, and counts once a [`crate::Store`] committed it.

use firstlayer_bundle::{Counter, Sha256};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::State;

/// Bad bundles that are remembered; the oldest is forgotten first, so that a list of failures stays bounded.
const MOST_REFUSED: usize = 16;

/// The agent's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// Where the update stands.
    pub state: State,
    /// The release that is being installed, on trial, or was last tried.
    pub target: Option<Target>,
    /// The anti-rollback counter: the highest of a confirmed release.
    pub counter: Counter,
    /// A time that has certainly passed; see [`crate::Clock`].
    pub latest_time: Timestamp,
    /// Bundles that failed here and are not tried again, oldest first.
    pub refused: Vec<RefusedBundle>,
    /// When the repository was last verified.
    pub last_check: Option<Timestamp>,
    /// What went wrong last, until something goes right again.
    pub problem: Option<Problem>,
    /// Versions that the owner does not want, oldest wish first.
    #[serde(default)]
    pub skipped: Vec<Version>,
    /// Until when the owner wants no update.
    #[serde(default)]
    pub postponed_until: Option<Timestamp>,
}

/// The release that an install is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its version.
    pub version: Version,
    /// Its anti-rollback counter.
    pub counter: Counter,
    /// Hash of its bundle.
    pub bundle: Sha256,
    /// How often it was written and did not read back right.
    pub failures: u8,
    /// Whether the owner asked for this version: then it may be older than what runs.
    #[serde(default)]
    pub asked: bool,
}

/// A bundle that failed on this printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBundle {
    /// Hash of the bundle.
    pub bundle: Sha256,
    /// Its version.
    pub version: Version,
    /// Why it is not tried again.
    pub why: String,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// When, by the best knowledge of the time.
    pub when: Timestamp,
    /// What, in one sentence.
    pub what: String,
}

impl Record {
    /// The format that this version writes.
    pub(crate) const FORMAT: u32 = 1;

    /// The record of a printer whose own was damaged.
    pub(crate) fn begun_anew(when: Timestamp) -> Self {
        let what = "the update record was damaged, and begun anew".to_owned();
        Self {
            problem: Some(Problem { when, what }),
            ..Self::default()
        }
    }

    /// Whether this version can read it.
    pub(crate) fn is_known(&self) -> bool {
        self.format == Self::FORMAT
    }

    /// Remembers the target as bad.
    pub(crate) fn refuse_target(&mut self, why: &str) {
        let Some(target) = &self.target else { return };
        let refused = RefusedBundle {
            bundle: target.bundle,
            version: target.version.clone(),
            why: why.to_owned(),
        };
        self.refused.retain(|other| other.bundle != refused.bundle);
        self.refused.push(refused);
        let excess = self.refused.len().saturating_sub(MOST_REFUSED);
        self.refused.drain(..excess);
    }

    /// Moves the certain past forward, never back.
    pub(crate) fn time_has_passed(&mut self, time: Timestamp) {
        self.latest_time = self.latest_time.max(time);
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            format: Self::FORMAT,
            state: State::Idle,
            target: None,
            counter: Counter::default(),
            latest_time: Timestamp::UNIX_EPOCH,
            refused: Vec::new(),
            last_check: None,
            problem: None,
            skipped: Vec::new(),
            postponed_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_bad_bundles_is_bounded_and_forgets_the_oldest() {
        let mut record = Record::default();
        for patch in 0..40u64 {
            let version = Version::new(1, 0, patch);
            let bundle = Sha256::of(version.to_string().as_bytes());
            record.target = Some(Target {
                version,
                counter: Counter::default(),
                bundle,
                failures: 0,
                asked: false,
            });
            record.refuse_target("it failed");
            record.refuse_target("it failed again");
        }
        assert_eq!(record.refused.len(), MOST_REFUSED);
        assert_eq!(
            record.refused.first().unwrap().version,
            Version::new(1, 0, 24)
        );
        assert_eq!(record.refused.last().unwrap().why, "it failed again");
    }
}
