//! The trusted state of a client and the steps by which it grows (specification, section 5). Pure.

use crate::error::Result;
use crate::name::RoleName;
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::Targets;
use crate::role::timestamp::Timestamp;
use crate::verify::Verified;

/// The roles that are trusted, at one fixed point in time against which everything expires.
#[derive(Debug, Clone)]
pub struct TrustedMetadata {
    now: jiff::Timestamp,
}

impl TrustedMetadata {
    /// Starts from a root that is trusted because the caller brings it.
    pub fn new(trust_anchor: &[u8], now: jiff::Timestamp) -> Result<Self> {
        todo!()
    }
    /// The trusted root.
    pub fn root(&self) -> &Verified<Root> {
        todo!()
    }
    /// The trusted timestamp, once there is one.
    pub fn timestamp(&self) -> Option<&Verified<Timestamp>> {
        todo!()
    }
    /// The trusted snapshot, once there is one.
    pub fn snapshot(&self) -> Option<&Verified<Snapshot>> {
        todo!()
    }
    /// A trusted targets role, top-level or delegated, once there is one.
    pub fn targets(&self, role: &RoleName) -> Option<&Verified<Targets>> {
        todo!()
    }
    /// Takes the next root.
    pub fn update_root(&mut self, bytes: Vec<u8>) -> Result<()> {
        todo!()
    }
    /// Takes a stored timestamp as the starting point, expired or not.
    pub fn restore_timestamp(&mut self, bytes: Vec<u8>) -> Result<()> {
        todo!()
    }
    /// Takes the repository's timestamp; whether it is a new one.
    pub fn update_timestamp(&mut self, bytes: Vec<u8>) -> Result<bool> {
        todo!()
    }
    /// Takes a stored snapshot as the starting point; whether it is also the current one.
    pub fn restore_snapshot(&mut self, bytes: Vec<u8>) -> Result<bool> {
        todo!()
    }
    /// Takes the repository's snapshot.
    pub fn update_snapshot(&mut self, bytes: Vec<u8>) -> Result<()> {
        todo!()
    }
    /// Takes the top-level targets.
    pub fn update_targets(&mut self, bytes: Vec<u8>) -> Result<()> {
        todo!()
    }
    /// Takes a delegated role, as this delegator vouches for it.
    pub fn update_delegated(
        &mut self,
        role: &RoleName,
        delegator: &RoleName,
        bytes: Vec<u8>,
    ) -> Result<()> {
        todo!()
    }
}
