//! What a repository has published, verified from the trust anchor as a client does, whether it has expired or not.
//!
//! A release that renews expired metadata must still be able to read it, so the time here stands before all expiry;
//! every role's own expiry is there to be looked at. Nothing unverified leaves this module.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use camino::Utf8Path;
use firstlayer_bundle::Sha256;
use firstlayer_metadata::{
    Expires, Limits, PublicKey, RoleKeys, RoleName, TargetFile, Targets, TrustedMetadata,
};
use firstlayer_policy::{Channel, ChannelManifest, EnforcementManifest};
use jiff::Timestamp;
use serde_json::Value;

use super::folder::read_at_most;
use super::{Folder, Keep};

/// The delegated role that signs the rules, and nothing else.
pub const ENFORCEMENT: &str = "enforcement";

/// A repository's verified metadata: at least the trust anchor, and all roles once something was published.
#[derive(Debug, Clone)]
pub struct State {
    trusted: TrustedMetadata,
    anchor_version: u64,
}

/// One role as it is published.
#[derive(Debug, Clone)]
pub struct RoleState {
    /// Its name.
    pub name: RoleName,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Expires,
    /// How many keys must sign it.
    pub threshold: u64,
    /// The keys that may.
    pub keys: Vec<PublicKey>,
}

impl State {
    /// Reads the folder, starting from the anchor's bytes.
    ///
    /// # Errors
    /// When the anchor is none, or something published is missing or does not verify.
    pub fn read(folder: &Folder, anchor: &[u8]) -> Result<Self> {
        let trusted = TrustedMetadata::new(anchor, Timestamp::MIN)
            .context("the trust anchor is not acceptable")?;
        let mut state = Self {
            anchor_version: trusted.root().version,
            trusted,
        };
        if folder.is_published() {
            state.load(folder).with_context(|| {
                format!(
                    "the repository {} does not verify from its trust anchor",
                    folder.path()
                )
            })?;
        }
        Ok(state)
    }

    /// The metadata itself.
    pub fn trusted(&self) -> &TrustedMetadata {
        &self.trusted
    }

    /// Whether anything was published.
    pub fn is_published(&self) -> bool {
        self.trusted.timestamp().is_some()
    }

    /// The version of the trust anchor that this was read from.
    pub fn anchor_version(&self) -> u64 {
        self.anchor_version
    }

    /// A targets role, top-level or delegated.
    pub fn targets(&self, role: &str) -> Option<&Targets> {
        self.trusted
            .targets(&role.parse().ok()?)
            .map(|verified| &**verified)
    }

    /// Every role that is published, in the order root, targets, delegated ones, snapshot, timestamp.
    pub fn roles(&self) -> Vec<RoleState> {
        let root = self.trusted.root();
        let top = |name: &str, keys: &RoleKeys, version: u64, expires: Expires| {
            Some(RoleState {
                name: name.parse().ok()?,
                version,
                expires,
                threshold: keys.threshold(),
                keys: keys
                    .keyids()
                    .iter()
                    .filter_map(|id| root.keys.get(id).cloned())
                    .collect(),
            })
        };
        let mut roles = Vec::from_iter(top("root", &root.roles.root, root.version, root.expires));
        if let Some(targets) = self.targets("targets") {
            roles.extend(top(
                "targets",
                &root.roles.targets,
                targets.version,
                targets.expires,
            ));
            roles.extend(self.delegated(targets));
        }
        if let Some(snapshot) = self.trusted.snapshot() {
            roles.extend(top(
                "snapshot",
                &root.roles.snapshot,
                snapshot.version,
                snapshot.expires,
            ));
        }
        if let Some(timestamp) = self.trusted.timestamp() {
            roles.extend(top(
                "timestamp",
                &root.roles.timestamp,
                timestamp.version,
                timestamp.expires,
            ));
        }
        roles
    }

    /// The channels: every delegated role but the one that signs the rules.
    pub fn channels(&self) -> Vec<Channel> {
        let names = self.delegated_names().into_iter();
        names
            .filter(|name| name.as_str() != ENFORCEMENT)
            .filter_map(|name| name.as_str().parse().ok())
            .collect()
    }

    /// The rules in force, if there were ever any.
    ///
    /// # Errors
    /// When the manifest is missing from the folder, is not what was signed, or breaks its own rules.
    pub fn enforcement(&self, folder: &Folder) -> Result<Option<EnforcementManifest>> {
        let name = EnforcementManifest::TARGET;
        let Some(target) = self.target(ENFORCEMENT, name) else {
            return Ok(None);
        };
        let bytes = read_target(folder, name, target, EnforcementManifest::LONGEST)?;
        EnforcementManifest::parse(&bytes)
            .map(Some)
            .with_context(|| format!("the signed {name} is not acceptable"))
    }

    /// A channel's manifest; one without releases if the channel has never published any.
    ///
    /// # Errors
    /// When the manifest is missing from the folder, is not what was signed, or breaks its own rules.
    pub fn channel(&self, folder: &Folder, channel: &Channel) -> Result<ChannelManifest> {
        let name = ChannelManifest::target_name(channel);
        let Some(target) = self.target(channel.as_str(), &name) else {
            return Ok(ChannelManifest::new(channel.clone(), Vec::new())?);
        };
        let limits = firstlayer_policy::Limits::default();
        let bytes = read_target(folder, &name, target, limits.bytes as u64)?;
        ChannelManifest::parse(&bytes, channel, &limits)
            .with_context(|| format!("the signed {name} is not acceptable"))
    }

    fn target(&self, role: &str, name: &str) -> Option<&TargetFile> {
        let mut targets = self.targets(role)?.targets.iter();
        targets
            .find(|(path, _)| path.as_str() == name)
            .map(|(_, file)| file)
    }

    /// The names in the folder that this state refers to, or one of the `back` states before it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn keep(&self, folder: &Folder, back: u64) -> Result<Keep> {
        let mut keep = Keep::default();
        keep.metadata.insert("timestamp.json".to_owned());
        for role in self.roles() {
            let files = (1..=role.version).map(|version| role.name.versioned_file(version));
            keep.metadata.extend(files);
            for version in role.version.saturating_sub(back).max(1)..=role.version {
                let path = folder.metadata().join(role.name.versioned_file(version));
                keep.targets.extend(targets_named_in(&path)?);
            }
        }
        Ok(keep)
    }

    fn delegated(&self, targets: &Targets) -> Vec<RoleState> {
        let Some(delegations) = &targets.delegations else {
            return Vec::new();
        };
        let mut roles = Vec::new();
        for name in self.delegated_names() {
            let (Some(delegated), Some(content)) =
                (delegations.role(&name), self.targets(name.as_str()))
            else {
                continue;
            };
            roles.push(RoleState {
                version: content.version,
                expires: content.expires,
                threshold: delegated.keys.threshold(),
                keys: delegated
                    .keys
                    .keyids()
                    .iter()
                    .filter_map(|id| delegations.keys.get(id).cloned())
                    .collect(),
                name,
            });
        }
        roles
    }

    fn delegated_names(&self) -> Vec<RoleName> {
        // A snapshot may still list a role that nothing delegates to any more: it may not drop one.
        let delegations = self
            .targets("targets")
            .and_then(|targets| targets.delegations.as_ref());
        let names = self
            .trusted
            .snapshot()
            .into_iter()
            .flat_map(|snapshot| snapshot.meta.keys());
        names
            .filter(|name| delegations.is_some_and(|all| all.role(name).is_some()))
            .cloned()
            .collect()
    }

    fn load(&mut self, folder: &Folder) -> Result<()> {
        let limits = Limits::default();
        self.load_roots(folder, &limits)?;
        self.trusted
            .update_timestamp(required(folder, "timestamp.json", limits.timestamp)?)?;
        let version = self
            .trusted
            .timestamp()
            .map(|timestamp| timestamp.snapshot().version);
        let file = format!("{}.snapshot.json", version.unwrap_or_default());
        self.trusted
            .update_snapshot(required(folder, &file, limits.snapshot)?)?;
        let top: RoleName = "targets".parse()?;
        self.trusted
            .update_targets(required(folder, &self.versioned(&top), limits.targets)?)?;
        for name in self.delegated_names() {
            let bytes = required(folder, &self.versioned(&name), limits.targets)?;
            self.trusted.update_delegated(&name, &top, bytes)?;
        }
        Ok(())
    }

    fn load_roots(&mut self, folder: &Folder, limits: &Limits) -> Result<()> {
        for _ in 0..limits.root_rotations {
            let next = format!(
                "{}.root.json",
                self.trusted.root().version.saturating_add(1)
            );
            let path = folder.metadata().join(&next);
            let bytes =
                read_at_most(&path, limits.root).with_context(|| format!("cannot read {path}"))?;
            match bytes {
                Some(bytes) => self.trusted.update_root(bytes)?,
                None => return Ok(()),
            }
        }
        bail!("there are more than {} new roots", limits.root_rotations)
    }

    fn versioned(&self, role: &RoleName) -> String {
        let version = self
            .trusted
            .snapshot()
            .and_then(|snapshot| snapshot.meta.get(role))
            .map(|meta| meta.version);
        role.versioned_file(version.unwrap_or_default())
    }
}

/// Reads a small target and checks it against what is signed of it.
fn read_target(folder: &Folder, name: &str, target: &TargetFile, limit: u64) -> Result<Vec<u8>> {
    let path = folder.targets().join(stored_name(name, target));
    let bytes = read_at_most(&path, limit).with_context(|| format!("cannot read {path}"))?;
    let bytes = bytes.with_context(|| format!("{path} is missing, though it is signed"))?;
    let signed = Sha256::of(&bytes).to_string();
    ensure!(
        target.hashes.sha256() == Some(signed.as_str()),
        "{path} is not what was signed"
    );
    Ok(bytes)
}

/// A target's name in the folder: `<sha256>.<name>`.
pub(crate) fn stored_name(name: &str, target: &TargetFile) -> String {
    format!("{}.{name}", target.hashes.sha256().unwrap_or_default())
}

fn required(folder: &Folder, file: &str, limit: u64) -> Result<Vec<u8>> {
    let path = folder.metadata().join(file);
    let bytes = read_at_most(&path, limit).with_context(|| format!("cannot read {path}"))?;
    bytes.with_context(|| format!("{path} is missing, though the repository refers to it"))
}

/// The stored names of the targets that a metadata file lists. It decides only what a sweep keeps, so its signatures
/// do not matter here; a file that is not there, or no targets role, lists none.
fn targets_named_in(path: &Utf8Path) -> Result<BTreeSet<String>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file
            .take(Limits::default().targets)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {path}"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
    };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let targets = value.pointer("/signed/targets").and_then(Value::as_object);
    let names = targets.into_iter().flatten().filter_map(|(name, target)| {
        Some(format!(
            "{}.{name}",
            target.pointer("/hashes/sha256")?.as_str()?
        ))
    });
    Ok(names.collect())
}
