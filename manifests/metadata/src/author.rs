//! Authoring: typed roles become signed bytes, by signatures that are collected one by one.

use crate::error::Result;
use crate::key::KeyId;
use crate::name::RoleName;
use crate::raw::{Sign, Signature};
use crate::role::Role;
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::Targets;
use crate::role::timestamp::Timestamp;

/// A role that waits for its signatures.
#[derive(Debug, Clone)]
pub struct Draft<T> {
    role: T,
}

/// What one authority still asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The role that names the keys: `root`, `previous root`, or a delegator.
    pub authority: String,
    /// The threshold.
    pub threshold: u64,
    /// Distinct keys that have signed.
    pub have: usize,
    /// Keys that may still sign.
    pub keyids: Vec<KeyId>,
}

impl Draft<Root> {
    /// A root: the first one, or the successor of one, whose keys must sign too.
    pub fn root(root: Root, previous: Option<&Root>) -> Result<Self> {
        todo!()
    }
}

impl Draft<Timestamp> {
    /// A timestamp.
    pub fn timestamp(timestamp: Timestamp, root: &Root) -> Result<Self> {
        todo!()
    }
}

impl Draft<Snapshot> {
    /// A snapshot.
    pub fn snapshot(snapshot: Snapshot, root: &Root) -> Result<Self> {
        todo!()
    }
}

impl Draft<Targets> {
    /// The top-level targets.
    pub fn targets(targets: Targets, root: &Root) -> Result<Self> {
        todo!()
    }
    /// A delegated role.
    pub fn delegated(
        name: &RoleName,
        targets: Targets,
        delegator: &RoleName,
        delegations: &crate::Delegations,
    ) -> Result<Self> {
        todo!()
    }
}

impl<T: Role> Draft<T> {
    /// The content.
    pub fn role(&self) -> &T {
        &self.role
    }
    /// The role's name.
    pub fn name(&self) -> &RoleName {
        todo!()
    }
    /// The bytes that are to be signed: canonical JSON.
    pub fn payload(&self) -> &[u8] {
        todo!()
    }
    /// The file's name in a repository with consistent snapshots.
    pub fn file_name(&self) -> String {
        todo!()
    }
    /// Adds a signature, if it verifies and its key may sign; one more by the same key replaces the first.
    pub fn add_signature(&mut self, signature: Signature) -> Result<()> {
        todo!()
    }
    /// Signs with a key that may sign.
    pub fn sign_with(&mut self, signer: &dyn Sign) -> Result<()> {
        todo!()
    }
    /// Takes over the signatures of a partly signed file with the same content.
    pub fn add_signatures_from(&mut self, partly_signed: &[u8]) -> Result<usize> {
        todo!()
    }
    /// What is still missing; empty when the draft can be finished.
    pub fn missing(&self) -> Vec<Missing> {
        todo!()
    }
    /// The JSON with the signatures so far.
    pub fn partly_signed(&self) -> Vec<u8> {
        todo!()
    }
    /// The finished file, once every threshold is met.
    pub fn finish(self) -> Result<Vec<u8>> {
        todo!()
    }
}

/// The content of a partly signed file, unverified: to be shown to whoever is to sign it, and made a draft again.
pub fn read_partly_signed<T: Role>(bytes: &[u8]) -> Result<T> {
    todo!()
}
