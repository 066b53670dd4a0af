//! Authoring: typed roles become signed bytes, by signatures that are collected one by one.
//!
//! A draft holds no private key and never publishes what its authorities have not signed.

mod draft;
mod rules;

use std::collections::BTreeMap;

pub use draft::{Draft, Missing, read_partly_signed};

use crate::error::Result;
use crate::key::{KeyId, PublicKey};
use crate::name::RoleName;
use crate::role::RoleKeys;
use crate::role::delegations::Delegations;
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::Targets;
use crate::role::timestamp::Timestamp;
use crate::verify::Signers;

/// Someone whose threshold a draft has to meet.
#[derive(Debug, Clone)]
struct Authority {
    name: String,
    keys: BTreeMap<KeyId, PublicKey>,
    role: RoleKeys,
}

impl Authority {
    fn of_root(name: &str, root: &Root, role: &RoleKeys) -> Self {
        Self {
            name: name.to_owned(),
            keys: root.keys.clone(),
            role: role.clone(),
        }
    }

    fn signers(&self) -> Signers<'_> {
        Signers {
            authority: &self.name,
            keys: &self.keys,
            role: &self.role,
        }
    }
}

impl Draft<Root> {
    /// A root: the first one, or the successor of one, whose keys have to sign too.
    /// Errors: a rule of the format is broken, or the version is not the next one.
    pub fn root(root: Root, previous: Option<&Root>) -> Result<Self> {
        rules::check_root(&root, previous)?;
        let mut authorities = vec![Authority::of_root("root", &root, &root.roles.root)];
        authorities.extend(
            previous.map(|old| Authority::of_root("the previous root", old, &old.roles.root)),
        );
        Self::new(RoleName::fixed("root"), root, authorities)
    }
}

impl Draft<Timestamp> {
    /// A timestamp. Errors: a rule of the format is broken.
    pub fn timestamp(timestamp: Timestamp, root: &Root) -> Result<Self> {
        rules::check_timestamp(&timestamp)?;
        let authority = Authority::of_root("root", root, &root.roles.timestamp);
        Self::new(RoleName::fixed("timestamp"), timestamp, vec![authority])
    }
}

impl Draft<Snapshot> {
    /// A snapshot. Errors: a rule of the format is broken.
    pub fn snapshot(snapshot: Snapshot, root: &Root) -> Result<Self> {
        rules::check_snapshot(&snapshot)?;
        let authority = Authority::of_root("root", root, &root.roles.snapshot);
        Self::new(RoleName::fixed("snapshot"), snapshot, vec![authority])
    }
}

impl Draft<Targets> {
    /// The top-level targets. Errors: a rule of the format is broken.
    pub fn targets(targets: Targets, root: &Root) -> Result<Self> {
        let name = RoleName::fixed("targets");
        rules::check_targets(&name, &targets)?;
        let authority = Authority::of_root("root", root, &root.roles.targets);
        Self::new(name, targets, vec![authority])
    }

    /// A role to which the delegator delegates. Errors: it does not, or a rule of the format is broken.
    pub fn delegated(
        name: &RoleName,
        targets: Targets,
        delegator: &RoleName,
        delegations: &Delegations,
    ) -> Result<Self> {
        let role = rules::check_delegated(name, &targets, delegator, delegations)?;
        let authority = Authority {
            name: delegator.to_string(),
            keys: delegations.keys.clone(),
            role: role.keys.clone(),
        };
        Self::new(name.clone(), targets, vec![authority])
    }
}
