//! One release in a channel manifest, and the rules that it must keep by itself.

use std::collections::BTreeSet;

use firstlayer_bundle::{Board, Counter, ManifestDigest, Model, Sha256};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{Capability, Channel, Commit, EvidenceTarget, Wave};

/// The longest reason for a yank, in bytes: it is shown to people, and kept in memory.
const LONGEST_REASON: usize = 1024;
/// The most models that one release may serve: bounds what a manifest makes a printer keep.
const MOST_MODELS: usize = 64;

/// A published version for one board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Version, without build metadata.
    pub version: Version,
    /// The board that it runs on.
    pub board: Board,
    /// The printer models of that board that it serves, at least one.
    pub models: Vec<Model>,
    /// Anti-rollback counter, never lower than that of an older version for the same board.
    pub counter: Counter,
    /// When it was built (the time of its commit). Signed, so printers take it as a time that has passed.
    pub built: Timestamp,
    /// The commit that it was built from; none where the tree was not that of any commit, or in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// What is downloaded.
    pub bundle: BundleTarget,
    /// What it was measured to be able to do; nothing where it was not measured.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<Capability>,
    /// The evidence for that; there if anything is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceTarget>,
    /// The oldest version that may jump straight to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Version>,
    /// To how many printers it is offered from when on; to all at once where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Wave>,
    /// Why it is no longer on offer, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<String>,
}

/// The bundle of a release, as a TUF target, and the digest that its manifest is checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleTarget {
    /// TUF target name: `{channel}-{version}-{board}.bundle`.
    pub target: String,
    /// Length of the file in bytes.
    pub length: u64,
    /// Hash of the whole file.
    pub sha256: Sha256,
    /// Length and hash of `manifest.json` in it, so that a printer can check the bundle frame by frame.
    pub manifest: ManifestDigest,
}

impl Release {
    /// The target name that a bundle must have: `{channel}-{version}-{board}.bundle`.
    pub fn bundle_name(channel: &Channel, version: &Version, board: &Board) -> String {
        format!("{channel}-{version}-{board}.bundle")
    }

    /// Checks what the release says against itself and its channel; the text says what is wrong.
    pub(crate) fn check(&self, channel: &Channel) -> Result<(), String> {
        let name = Self::bundle_name(channel, &self.version, &self.board);
        if self.bundle.target != name {
            return Err(format!(
                "its bundle is `{}`, and must be `{name}`",
                self.bundle.target
            ));
        }
        if !self.version.build.is_empty() {
            return Err(
                "build metadata (`+…`) does not order versions, and is not allowed".to_owned(),
            );
        }
        self.check_floor()?;
        self.check_models()?;
        self.check_claims(channel)?;
        self.check_waves()?;
        self.check_lengths()
    }

    fn check_floor(&self) -> Result<(), String> {
        match &self.floor {
            Some(floor) if floor > &self.version => {
                Err(format!("its floor {floor} is above itself"))
            }
            _ => Ok(()),
        }
    }

    fn check_models(&self) -> Result<(), String> {
        let distinct: BTreeSet<&Model> = self.models.iter().collect();
        match self.models.len() {
            0 => Err("it serves no model".to_owned()),
            count if count > MOST_MODELS => Err(format!(
                "it serves {count} models, and {MOST_MODELS} are allowed"
            )),
            count if count != distinct.len() => Err("it names a model twice".to_owned()),
            _ => Ok(()),
        }
    }

    fn check_lengths(&self) -> Result<(), String> {
        match &self.yanked {
            Some(why) if why.trim().is_empty() => {
                return Err("it is yanked without a reason".to_owned());
            }
            Some(why) if why.len() > LONGEST_REASON => {
                return Err(format!(
                    "its yank reason is longer than {LONGEST_REASON} bytes"
                ));
            }
            _ => {}
        }
        if self.bundle.manifest.length >= self.bundle.length {
            return Err("its bundle is not longer than the manifest in it".to_owned());
        }
        Ok(())
    }
}
