//! Signs what the plan says: unlocks the keys, drafts each role, collects signatures, and gives the finished files.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    Delegations, Expires, MetaFile, PublicKey, Role, RoleName, Root, Snapshot, TargetFile,
    TargetPath, Targets, Timestamp,
};
use firstlayer_signers::{KeyName, KeySource, RolesConfig, Signer};

use super::drafts;
use super::signing::{Signing, known_keys};
use crate::progress::Progress;
use crate::repository::{Content, NewFile, State};

/// What signing needs to know.
pub(crate) struct Author<'a> {
    /// Who signs what.
    pub(crate) roles: &'a RolesConfig,
    /// Where the keys are.
    pub(crate) keys: &'a KeySource,
    /// What is published now, or the anchor alone.
    pub(crate) state: &'a State,
    /// From when lifetimes count.
    pub(crate) now: jiff::Timestamp,
}

/// Finished files, ready to be published.
#[derive(Debug, Default)]
pub(crate) struct Signed {
    /// In the order root, targets, delegated roles, snapshot.
    pub(crate) metadata: Vec<NewFile>,
    /// The new `timestamp.json`.
    pub(crate) timestamp: Vec<u8>,
}

impl Author<'_> {
    /// Signs each role of `signings`; `release` replaces the targets of the role that it names.
    ///
    /// # Errors
    /// When a key is missing or cannot be unlocked, or a threshold is not met.
    pub(crate) fn sign(
        &self,
        signings: &[Signing],
        release: Option<(&str, BTreeMap<TargetPath, TargetFile>)>,
        progress: &dyn Progress,
    ) -> Result<Signed> {
        let names: Vec<_> = signings
            .iter()
            .flat_map(|signing| self.signing_keys(&signing.role))
            .collect();
        let signers = drafts::unlock(self.keys, &names, progress)?;
        let mut work = Work {
            author: self,
            signers,
            root: self.root_now(),
            delegations: None,
            meta: self.meta_now(),
            done: Signed::default(),
        };
        for signing in signings {
            let release = release
                .as_ref()
                .filter(|(role, _)| *role == signing.role)
                .map(|(_, targets)| targets);
            work.sign(signing, release)
                .with_context(|| format!("cannot sign {} {}", signing.role, signing.version))?;
        }
        Ok(work.done)
    }

    /// The keys that sign a role: as many as its threshold asks for, of those that are there. A root is signed by
    /// every key at hand, old and new, because it may have two thresholds to meet.
    pub(crate) fn signing_keys(&self, role: &str) -> Vec<KeyName> {
        let Some(config) = self.roles.role(role) else {
            return Vec::new();
        };
        let there = |name: &KeyName| self.keys.has_private(name);
        if role != "root" {
            return config
                .keys
                .iter()
                .filter(|name| there(name))
                .take(config.threshold)
                .cloned()
                .collect();
        }
        let root = self.state.trusted().root();
        let old = root
            .roles
            .root
            .keyids()
            .iter()
            .filter_map(|id| root.keys.get(id)?.name()?.parse().ok());
        let mut names: Vec<KeyName> = config
            .keys
            .iter()
            .cloned()
            .chain(old)
            .filter(there)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn root_now(&self) -> Root {
        Root::clone(self.state.trusted().root())
    }

    fn meta_now(&self) -> BTreeMap<RoleName, MetaFile> {
        self.state
            .trusted()
            .snapshot()
            .map(|snapshot| snapshot.meta.clone())
            .unwrap_or_default()
    }

    /// A public key that is published keeps its form; only a new one is looked for among the keys.
    fn public_key(&self, name: &KeyName) -> Result<PublicKey> {
        let known = known_keys(Some(self.state))
            .into_iter()
            .find(|key| key.name() == Some(name.as_str()));
        known.map_or_else(|| Ok(self.keys.public_key(name)?), Ok)
    }
}

/// Signing in progress: what later roles need of earlier ones.
struct Work<'a> {
    author: &'a Author<'a>,
    signers: BTreeMap<KeyName, Signer>,
    root: Root,
    delegations: Option<Delegations>,
    meta: BTreeMap<RoleName, MetaFile>,
    done: Signed,
}

impl Work<'_> {
    fn sign(
        &mut self,
        signing: &Signing,
        release: Option<&BTreeMap<TargetPath, TargetFile>>,
    ) -> Result<()> {
        match signing.role.as_str() {
            "root" => self.sign_root(signing),
            "targets" => self.sign_targets(signing),
            "snapshot" => self.sign_snapshot(signing),
            "timestamp" => self.sign_timestamp(signing),
            _ => self.sign_delegated(signing, release),
        }
    }

    fn sign_root(&mut self, signing: &Signing) -> Result<()> {
        let expires = self.expires(signing)?;
        let root = drafts::root(self.author.roles, signing.version, expires, |name| {
            self.author.public_key(name)
        })?;
        let draft = Draft::root(root.clone(), Some(&self.root))?;
        let file = draft.file_name();
        let bytes = drafts::finish(draft, self.signers_of(signing))?;
        self.root = root;
        self.done.metadata.push(NewFile {
            name: file,
            content: Content::Bytes(bytes),
        });
        Ok(())
    }

    fn sign_targets(&mut self, signing: &Signing) -> Result<()> {
        let mut targets = Targets::new(signing.version, self.expires(signing)?);
        let delegations =
            drafts::delegations(self.author.roles, |name| self.author.public_key(name))?;
        targets.delegations = Some(delegations.clone());
        self.delegations = Some(delegations);
        let draft = Draft::targets(targets, &self.root)?;
        self.finish_listed(signing, draft)
    }

    fn sign_delegated(
        &mut self,
        signing: &Signing,
        release: Option<&BTreeMap<TargetPath, TargetFile>>,
    ) -> Result<()> {
        let mut targets = Targets::new(signing.version, self.expires(signing)?);
        let published = self
            .author
            .state
            .targets(&signing.role)
            .map(|role| &role.targets);
        targets.targets = release.or(published).cloned().unwrap_or_default();
        let top = self
            .author
            .state
            .targets("targets")
            .and_then(|targets| targets.delegations.as_ref());
        let delegations = self
            .delegations
            .as_ref()
            .or(top)
            .context("nothing delegates to it")?;
        let draft = Draft::delegated(
            &signing.role.parse()?,
            targets,
            &"targets".parse()?,
            delegations,
        )?;
        self.finish_listed(signing, draft)
    }

    fn sign_snapshot(&mut self, signing: &Signing) -> Result<()> {
        let snapshot = Snapshot::new(signing.version, self.expires(signing)?, self.meta.clone());
        let draft = Draft::snapshot(snapshot, &self.root)?;
        self.finish_listed(signing, draft)
    }

    fn sign_timestamp(&mut self, signing: &Signing) -> Result<()> {
        let name: RoleName = "snapshot".parse()?;
        let published = self
            .author
            .state
            .trusted()
            .timestamp()
            .map(|timestamp| timestamp.snapshot());
        let snapshot = self
            .meta
            .get(&name)
            .or(published)
            .context("there is no snapshot")?
            .clone();
        let timestamp = Timestamp::new(signing.version, self.expires(signing)?, snapshot);
        let draft = Draft::timestamp(timestamp, &self.root)?;
        self.done.timestamp = drafts::finish(draft, self.signers_of(signing))?;
        Ok(())
    }

    /// Finishes a role that another one lists.
    fn finish_listed<T: Role>(&mut self, signing: &Signing, draft: Draft<T>) -> Result<()> {
        let name = draft.file_name();
        let bytes = drafts::finish(draft, self.signers_of(signing))?;
        self.meta
            .insert(signing.role.parse()?, MetaFile::of(signing.version, &bytes));
        self.done.metadata.push(NewFile {
            name,
            content: Content::Bytes(bytes),
        });
        Ok(())
    }

    fn expires(&self, signing: &Signing) -> Result<Expires> {
        let role = self
            .author
            .roles
            .role(&signing.role)
            .context("keys/roles.toml does not know it")?;
        drafts::expires(role, self.author.now)
    }

    fn signers_of(&self, signing: &Signing) -> impl Iterator<Item = &Signer> {
        self.author
            .signing_keys(&signing.role)
            .into_iter()
            .filter_map(|name| self.signers.get(&name))
    }
}
