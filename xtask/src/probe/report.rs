//! What was measured of each board, for people and for machines from the same value.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;
use firstlayer_bundle::Board;
use firstlayer_policy::Capability;
use semver::Version;
use serde::{Serialize, Serializer};

use super::verdict::{Finding, Measurement, Observation, Verdict};
use super::{Emulator, Image};

/// What one board's image was seen to do.
#[derive(Debug, Clone, Serialize)]
pub struct Probed {
    /// The board.
    pub board: Board,
    /// The version of the image.
    pub version: Version,
    /// The emulator that ran it.
    pub emulator: String,
    /// One a capability, in the order in which they were measured.
    pub capabilities: Vec<Measurement>,
}

/// The report of `cargo xtask probe`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// One a board.
    pub boards: Vec<Probed>,
}

impl Probed {
    /// Puts findings and what they are of together.
    ///
    /// # Errors
    /// When a capability's name is none.
    pub fn new(
        image: &Image,
        emulator: &Emulator,
        findings: Vec<(String, Finding)>,
    ) -> Result<Self> {
        let measurement = |(name, finding): (String, Finding)| -> Result<Measurement> {
            Ok(Measurement {
                capability: name.parse()?,
                finding,
            })
        };
        Ok(Self {
            board: image.identity.board.clone(),
            version: image.identity.version.clone(),
            emulator: emulator.version.clone(),
            capabilities: findings
                .into_iter()
                .map(measurement)
                .collect::<Result<_>>()?,
        })
    }

    /// What a release of the image may claim: what it was seen to have, and nothing else.
    pub fn claims(&self) -> BTreeSet<Capability> {
        let had = self.with(Verdict::Has);
        had.map(|measured| measured.capability.clone()).collect()
    }

    /// Whether it was seen to have everything.
    pub(super) fn has_everything(&self) -> bool {
        self.claims().len() == self.capabilities.len()
    }

    /// All in a few words.
    pub(super) fn summary(&self) -> String {
        let total = self.capabilities.len();
        let mut text = format!("has {} of {total} capabilities", self.claims().len());
        for (what, verdict) in [
            ("lacks", Verdict::Lacks),
            ("not measured", Verdict::NotMeasured),
        ] {
            let names: Vec<_> = self
                .with(verdict)
                .map(|measured| measured.capability.as_str())
                .collect();
            if !names.is_empty() {
                text.push_str(&format!("; {what}: {}", names.join(", ")));
            }
        }
        text
    }

    fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Measurement> {
        self.capabilities
            .iter()
            .filter(move |measured| measured.verdict() == verdict)
    }
}

impl Report {
    /// Whether every capability was found on every board.
    pub fn is_complete(&self) -> bool {
        self.boards.iter().all(Probed::has_everything)
    }
}

/// With its verdict, which is computed.
impl Serialize for Measurement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            capability: &'a Capability,
            verdict: Verdict,
            observations: &'a [Observation],
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }
        Shown {
            capability: &self.capability,
            verdict: self.verdict(),
            observations: self.observations(),
            reason: self.reason(),
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}, by {}", self.board, self.version, self.emulator)?;
        self.capabilities
            .iter()
            .try_for_each(|measured| write!(f, "{measured}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.boards
            .iter()
            .try_for_each(|probed| write!(f, "{probed}"))
    }
}
