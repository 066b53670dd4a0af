//! The trusted state of a client, and the steps by which it grows (specification, section 5).
//!
//! Pure: bytes in, a greater state or an error out. Each step needs the one before it, and no step
//! changes anything unless all of its checks hold.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::name::RoleName;
use crate::raw::Raw;
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::Targets;
use crate::role::timestamp::Timestamp;
use crate::role::{MetaFile, Role};
use crate::verify::{Signers, Verified, verify, verify_root, verify_trust_anchor};

/// The roles that are trusted, at one fixed point in time against which everything expires.
///
/// What comes from a local store goes through `restore_…`: it may have expired, and then serves
/// only to notice a rollback. What comes from the repository goes through `update_…`.
#[derive(Debug, Clone)]
pub struct TrustedMetadata {
    now: jiff::Timestamp,
    root: Verified<Root>,
    stored_timestamp: Option<Verified<Timestamp>>,
    timestamp: Option<Verified<Timestamp>>,
    stored_snapshot: Option<Verified<Snapshot>>,
    snapshot: Option<Verified<Snapshot>>,
    targets: BTreeMap<RoleName, Verified<Targets>>,
}

impl TrustedMetadata {
    /// Starts from a root that is trusted because the caller brings it.
    /// Errors: [`Error::TrustAnchor`] if it is no root, or its own keys do not sign it.
    pub fn new(trust_anchor: &[u8], now: jiff::Timestamp) -> Result<Self> {
        Ok(Self::from_root(trust_anchor_root(trust_anchor)?, now))
    }

    /// Starts from a root that has been verified before.
    pub fn from_root(root: Verified<Root>, now: jiff::Timestamp) -> Self {
        Self {
            now,
            root,
            stored_timestamp: None,
            timestamp: None,
            stored_snapshot: None,
            snapshot: None,
            targets: BTreeMap::new(),
        }
    }

    /// The trusted root. It may have expired: the timestamp's step notices.
    pub fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// The current timestamp, once there is one.
    pub fn timestamp(&self) -> Option<&Verified<Timestamp>> {
        self.timestamp.as_ref()
    }

    /// The current snapshot, once there is one.
    pub fn snapshot(&self) -> Option<&Verified<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// A current targets role, top-level or delegated, once there is one.
    /// A delegated role is there as the last delegator that was asked vouches for it.
    pub fn targets(&self, role: &RoleName) -> Option<&Verified<Targets>> {
        self.targets.get(role)
    }

    /// Takes the next root: version N + 1, signed as root N says and as it says itself.
    /// Everything that the old root vouched for has to be taken again.
    pub fn update_root(&mut self, bytes: Vec<u8>) -> Result<()> {
        let root = verify_root(Raw::split(&name("root"), bytes)?, &self.root)?;
        check_version("root", self.root.version.saturating_add(1), root.version)?;
        *self = Self::from_root(root, self.now);
        Ok(())
    }

    /// Takes a stored timestamp as what newer ones are compared with; it may have expired.
    pub fn restore_timestamp(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.stored_timestamp = Some(self.verified_timestamp(bytes)?);
        Ok(())
    }

    /// Takes the repository's timestamp. False if it has the stored one's version: that one stays.
    pub fn update_timestamp(&mut self, bytes: Vec<u8>) -> Result<bool> {
        self.check_fresh("root", &*self.root)?;
        let timestamp = self.verified_timestamp(bytes)?;
        if let Some(stored) = &self.stored_timestamp {
            check_no_rollback("timestamp", stored.version, timestamp.version)?;
            if timestamp.version == stored.version {
                self.check_fresh("timestamp", &**stored)?;
                self.timestamp = self.stored_timestamp.take();
                return Ok(false);
            }
            check_no_rollback(
                "snapshot",
                stored.snapshot().version,
                timestamp.snapshot().version,
            )?;
        }
        self.check_fresh("timestamp", &*timestamp)?;
        self.timestamp = Some(timestamp);
        Ok(true)
    }

    /// Takes a stored snapshot as what newer ones are compared with; it may have expired.
    /// True if it is also the current one, so that none need be fetched.
    pub fn restore_snapshot(&mut self, bytes: Vec<u8>) -> Result<bool> {
        let meta = self.current_timestamp()?.snapshot();
        let snapshot = self.verified_snapshot(bytes)?;
        let is_current = meta.version == snapshot.version
            && meta.check(&name("snapshot"), snapshot.bytes()).is_ok()
            && self.check_fresh("snapshot", &*snapshot).is_ok();
        let place = if is_current {
            &mut self.snapshot
        } else {
            &mut self.stored_snapshot
        };
        *place = Some(snapshot);
        Ok(is_current)
    }

    /// Takes the repository's snapshot: what the timestamp says, with no role older or removed.
    pub fn update_snapshot(&mut self, bytes: Vec<u8>) -> Result<()> {
        let meta = self.current_timestamp()?.snapshot();
        meta.check(&name("snapshot"), &bytes)?;
        let snapshot = self.verified_snapshot(bytes)?;
        check_version("snapshot", meta.version, snapshot.version)?;
        if let Some(stored) = &self.stored_snapshot {
            check_snapshot_rollback(stored, &snapshot)?;
        }
        self.check_fresh("snapshot", &*snapshot)?;
        self.snapshot = Some(snapshot);
        Ok(())
    }

    /// Takes the top-level targets: what the snapshot says.
    pub fn update_targets(&mut self, bytes: Vec<u8>) -> Result<()> {
        let role = name("targets");
        let targets =
            self.verified_targets(&role, self.root.signers(&self.root.roles.targets), bytes)?;
        self.targets.insert(role, targets);
        Ok(())
    }

    /// Takes a delegated role: what the snapshot says, signed as this delegator says.
    /// Another delegator that names the same role has to vouch for it again.
    pub fn update_delegated(
        &mut self,
        role: &RoleName,
        delegator: &RoleName,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let out_of_order = || Error::OutOfOrder {
            role: role.clone(),
            needs: delegator.clone(),
        };
        let not_delegated = || Error::NotDelegated {
            role: role.clone(),
            delegator: delegator.clone(),
        };
        let delegations = self
            .targets
            .get(delegator)
            .ok_or_else(out_of_order)?
            .delegations
            .as_ref();
        let signers =
            delegations.and_then(|delegations| delegations.signers(delegator.as_str(), role));
        let targets = self.verified_targets(role, signers.ok_or_else(not_delegated)?, bytes)?;
        self.targets.insert(role.clone(), targets);
        Ok(())
    }

    /// What the current snapshot says of a targets role. Errors: it does not list the role.
    pub(crate) fn meta(&self, role: &RoleName) -> Result<&MetaFile> {
        let out_of_order = || Error::OutOfOrder {
            role: role.clone(),
            needs: name("snapshot"),
        };
        let snapshot = self.snapshot.as_ref().ok_or_else(out_of_order)?;
        snapshot
            .meta
            .get(role)
            .ok_or_else(|| Error::NotInSnapshot { role: role.clone() })
    }

    fn current_timestamp(&self) -> Result<&Verified<Timestamp>> {
        let out_of_order = || Error::OutOfOrder {
            role: name("snapshot"),
            needs: name("timestamp"),
        };
        self.timestamp.as_ref().ok_or_else(out_of_order)
    }

    fn verified_timestamp(&self, bytes: Vec<u8>) -> Result<Verified<Timestamp>> {
        verify(
            Raw::split(&name("timestamp"), bytes)?,
            self.root.signers(&self.root.roles.timestamp),
        )
    }

    fn verified_snapshot(&self, bytes: Vec<u8>) -> Result<Verified<Snapshot>> {
        verify(
            Raw::split(&name("snapshot"), bytes)?,
            self.root.signers(&self.root.roles.snapshot),
        )
    }

    fn verified_targets(
        &self,
        role: &RoleName,
        signers: Signers<'_>,
        bytes: Vec<u8>,
    ) -> Result<Verified<Targets>> {
        let meta = self.meta(role)?;
        meta.check(role, &bytes)?;
        let targets: Verified<Targets> = verify(Raw::split(role, bytes)?, signers)?;
        check_version(role.as_str(), meta.version, targets.version)?;
        self.check_fresh(role.as_str(), &*targets)?;
        Ok(targets)
    }

    fn check_fresh(&self, role: &str, metadata: &impl Role) -> Result<()> {
        if metadata.expires().has_passed(self.now) {
            return Err(Error::Expired {
                role: name(role),
                expires: metadata.expires(),
            });
        }
        Ok(())
    }
}

/// Verifies a root that the caller brings.
pub(crate) fn trust_anchor_root(bytes: &[u8]) -> Result<Verified<Root>> {
    Raw::split(&name("root"), bytes.to_vec())
        .and_then(verify_trust_anchor)
        .map_err(|source| Error::TrustAnchor(Box::new(source)))
}

/// A stored root, if it is newer than the trusted one and signed as that says. Versions may be left out:
/// whoever could sign a later version without right could as well sign the next one.
pub(crate) fn newer_root(trusted: &Root, bytes: Vec<u8>) -> Option<Verified<Root>> {
    let raw = Raw::split(&name("root"), bytes).ok()?;
    let root = verify_root(raw, trusted).ok()?;
    (root.version > trusted.version).then_some(root)
}

fn name(role: &str) -> RoleName {
    RoleName::fixed(role)
}

fn check_version(role: &str, expected: u64, found: u64) -> Result<()> {
    if found != expected {
        return Err(Error::WrongVersion {
            role: name(role),
            expected,
            found,
        });
    }
    Ok(())
}

fn check_no_rollback(role: &str, trusted: u64, found: u64) -> Result<()> {
    if found < trusted {
        return Err(Error::Rollback {
            role: name(role),
            trusted,
            found,
        });
    }
    Ok(())
}

/// Neither the snapshot nor any role in it may fall back, and no role may go. The timestamp
/// foretells the snapshot's own version, but a stored timestamp can be lost where the snapshot is not.
fn check_snapshot_rollback(stored: &Snapshot, snapshot: &Snapshot) -> Result<()> {
    check_no_rollback("snapshot", stored.version, snapshot.version)?;
    for (role, file) in &stored.meta {
        let removed = || Error::Removed { role: role.clone() };
        let current = snapshot.meta.get(role).ok_or_else(removed)?;
        check_no_rollback(role.as_str(), file.version, current.version)?;
    }
    Ok(())
}
