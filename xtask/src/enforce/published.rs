//! What is published, as a printer sees it that comes now: every signature verified, nothing expired.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use camino::Utf8PathBuf;
use firstlayer_bundle::Sha256;
use firstlayer_policy::{Channel, ChannelManifest, EnforcementManifest};
use jiff::Timestamp;

use crate::probe::LONGEST_EVIDENCE;
use crate::release::Visitor;
use crate::repository::{ENFORCEMENT, Folder, State};

/// A repository's manifests.
pub(crate) struct Published {
    pub(crate) folder: Folder,
    pub(crate) state: State,
    pub(crate) channels: Vec<ChannelManifest>,
    pub(crate) in_force: Option<EnforcementManifest>,
    /// Of the timestamp, which leads to all the rest, and of every root.
    pub(crate) digest: Sha256,
    /// The files that releases name as their evidence, by target name; those that are there.
    pub(crate) evidence: BTreeMap<String, Vec<u8>>,
}

impl Published {
    /// Reads it from the trust anchor.
    ///
    /// # Errors
    /// Whatever a printer would refuse.
    pub(crate) fn read(folder: Folder, anchor: &[u8], now: Timestamp) -> Result<Self> {
        let before = digest(&folder)?;
        let state = State::read(&folder, anchor)?;
        let mut visitor = Visitor::enter(&folder, anchor, now).with_context(|| {
            format!(
                "a printer that comes now would refuse {}; `cargo xtask release` renews it",
                folder.path()
            )
        })?;
        let (mut channels, mut files) = (Vec::new(), BTreeMap::new());
        for name in state.channels() {
            let Some(manifest) = visitor.channel(&name)? else {
                continue;
            };
            files.extend(evidence_of(&manifest, &mut visitor)?);
            channels.push(manifest);
        }
        let in_force = visitor.document(
            EnforcementManifest::TARGET,
            ENFORCEMENT,
            EnforcementManifest::LONGEST,
        )?;
        let digest = digest(&folder)?;
        ensure!(
            digest == before,
            "{} was changed while it was read; try again",
            folder.path()
        );
        Ok(Self {
            in_force: in_force
                .map(|bytes| EnforcementManifest::parse(&bytes))
                .transpose()
                .context("the rules in force are not acceptable")?,
            digest,
            evidence: files,
            folder,
            channels,
            state,
        })
    }

    /// A channel's manifest.
    pub(crate) fn channel(&self, name: &Channel) -> Option<&ChannelManifest> {
        self.channels
            .iter()
            .find(|manifest| manifest.channel() == name)
    }

    /// Where a bundle lies.
    pub(crate) fn bundle(&self, release: &firstlayer_policy::Release) -> Utf8PathBuf {
        let (hash, name) = (release.bundle.sha256, &release.bundle.target);
        self.folder.targets().join(format!("{hash}.{name}"))
    }
}

fn evidence_of(
    manifest: &ChannelManifest,
    visitor: &mut Visitor<'_>,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let named = manifest
        .releases()
        .iter()
        .filter_map(|r| r.evidence.as_ref());
    for target in named.map(|evidence| &evidence.target) {
        // One that is not as it was signed counts as one that is not there: the plan says which release that is.
        let role = manifest.channel().as_str();
        if let Ok(Some(bytes)) = visitor.document(target, role, LONGEST_EVIDENCE) {
            files.insert(target.clone(), bytes);
        }
    }
    Ok(files)
}

fn digest(folder: &Folder) -> Result<Sha256> {
    let metadata = folder.metadata();
    let entries = metadata.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot list {metadata}"))?;
    let mut digests = BTreeSet::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {metadata}"))?;
        let name = entry.file_name();
        if name == "timestamp.json" || name.ends_with(".root.json") {
            let path = entry.path();
            let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
            digests.insert(format!("{name} {}\n", Sha256::of(&bytes)));
        }
    }
    Ok(Sha256::of(
        digests
            .iter()
            .map(String::as_str)
            .collect::<String>()
            .as_bytes(),
    ))
}
