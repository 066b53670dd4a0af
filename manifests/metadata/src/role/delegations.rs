//! Delegations: which roles may vouch for which targets, by path, by hash of the path, or in hash bins.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::RoleKeys;
use crate::hash::{is_hex, sha256_hex};
use crate::key::{KeyId, PublicKey};
use crate::name::{RoleName, TargetPath};
use crate::path::PathPattern;
use crate::verify::Signers;

/// The member `delegations` of a targets role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DelegationsForm", into = "DelegationsForm")]
pub struct Delegations {
    /// All keys that the roles name.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// The roles.
    pub roles: DelegatedRoles,
}

/// Delegated roles, in one of two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DelegatedRoles {
    /// Roles with names of their own, each named once, asked in this order.
    Named(Vec<DelegatedRole>),
    /// Hash bins that share their keys (TAP 15). Read only: we author none.
    Succinct(SuccinctRoles),
}

/// One role that is delegated to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DelegatedRoleForm", into = "DelegatedRoleForm")]
pub struct DelegatedRole {
    /// Its name.
    pub name: RoleName,
    /// Who signs it.
    pub keys: RoleKeys,
    /// Whether the search for a target ends with this role, if the target is among its paths.
    pub terminating: bool,
    /// The targets that it may vouch for.
    pub paths: DelegatedPaths,
}

/// Targets as a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DelegatedPaths {
    /// Those that match any of the patterns.
    Patterns(Vec<PathPattern>),
    /// Those whose path's sha256, as lower-case hex, begins with any of these.
    HashPrefixes(Vec<String>),
}

/// Hash bins, of which each target has exactly one (TAP 15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SuccinctRolesForm", into = "SuccinctRolesForm")]
pub struct SuccinctRoles {
    keys: RoleKeys,
    bit_length: u32,
    name_prefix: String,
}

/// Delegations that two clients could understand in two ways.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDelegations {
    /// Neither or both of two members that exclude each other.
    #[error("exactly one of {0} must be given")]
    ExactlyOne(&'static str),
    /// A role that appears twice.
    #[error("the role {0} is delegated to twice")]
    Duplicate(RoleName),
    /// A delegated role by the name of a top-level one.
    #[error("the role {0} is not for a targets role to delegate")]
    TopLevel(RoleName),
    /// A prefix of a hash that is no lower-case hex.
    #[error("the path hash prefix {0:?} is not lower-case hex")]
    HashPrefix(String),
    /// A number of bits that no client supports.
    #[error("succinct roles of {0} bits are not between 1 and 32")]
    BitLength(u32),
}

/// A role that is delegated to for one target, whichever form the delegation has.
pub(crate) struct Delegate {
    pub(crate) name: RoleName,
    pub(crate) terminating: bool,
}

impl Delegations {
    /// Named roles, with the keys under their own ids. Errors: a role twice, or by the name of a top-level one.
    pub fn new(
        keys: impl IntoIterator<Item = PublicKey>,
        roles: Vec<DelegatedRole>,
    ) -> Result<Self, BadDelegations> {
        let keys = keys.into_iter().map(|key| (key.key_id(), key)).collect();
        Ok(Self {
            keys,
            roles: DelegatedRoles::named(roles)?,
        })
    }

    /// The role of this name among the named ones.
    pub fn role(&self, name: &RoleName) -> Option<&DelegatedRole> {
        match &self.roles {
            DelegatedRoles::Named(roles) => roles.iter().find(|role| role.name == *name),
            DelegatedRoles::Succinct(_) => None,
        }
    }

    /// The roles that may vouch for the target, in the order in which they are to be asked.
    pub(crate) fn delegates(&self, path: &TargetPath) -> Vec<Delegate> {
        match &self.roles {
            DelegatedRoles::Named(roles) => roles
                .iter()
                .filter(|role| role.paths.contain(path))
                .map(|role| Delegate {
                    name: role.name.clone(),
                    terminating: role.terminating,
                })
                .collect(),
            DelegatedRoles::Succinct(bins) => bins
                .bin(path)
                .map(|name| Delegate {
                    name,
                    terminating: true,
                })
                .into_iter()
                .collect(),
        }
    }

    /// Who signs the role of this name, if it is delegated to.
    pub(crate) fn signers<'a>(
        &'a self,
        delegator: &'a str,
        name: &RoleName,
    ) -> Option<Signers<'a>> {
        let role = match &self.roles {
            DelegatedRoles::Named(_) => &self.role(name)?.keys,
            DelegatedRoles::Succinct(bins) => bins.has_bin(name).then_some(&bins.keys)?,
        };
        Some(Signers {
            authority: delegator,
            keys: &self.keys,
            role,
        })
    }
}

impl DelegatedRoles {
    fn named(roles: Vec<DelegatedRole>) -> Result<Self, BadDelegations> {
        let mut seen = BTreeSet::new();
        for role in &roles {
            if role.name.is_top_level() {
                return Err(BadDelegations::TopLevel(role.name.clone()));
            }
            if !seen.insert(&role.name) {
                return Err(BadDelegations::Duplicate(role.name.clone()));
            }
        }
        Ok(Self::Named(roles))
    }
}

impl DelegatedPaths {
    pub(crate) fn contain(&self, path: &TargetPath) -> bool {
        match self {
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches(path)),
            Self::HashPrefixes(prefixes) => {
                let hash = sha256_hex(path.as_str().as_bytes());
                prefixes
                    .iter()
                    .any(|prefix| hash.starts_with(prefix.as_str()))
            }
        }
    }
}

impl SuccinctRoles {
    /// The bin of the target: the first `bit_length` bits of the sha256 of its path.
    fn bin(&self, path: &TargetPath) -> Option<RoleName> {
        let hash = sha256_hex(path.as_str().as_bytes());
        let first = u64::from_str_radix(hash.get(..8)?, 16).ok()?;
        self.name(first >> (32 - self.bit_length))
    }

    /// Whether this is the name of one of the bins.
    fn has_bin(&self, name: &RoleName) -> bool {
        let number = name
            .as_str()
            .rsplit_once('-')
            .and_then(|(_, bin)| u64::from_str_radix(bin, 16).ok());
        let within = number.filter(|number| *number < 1 << self.bit_length);
        within.and_then(|number| self.name(number)).as_ref() == Some(name)
    }

    fn name(&self, bin: u64) -> Option<RoleName> {
        let digits = usize::try_from(self.bit_length.div_ceil(4)).ok()?;
        format!("{}-{bin:0digits$x}", self.name_prefix).parse().ok()
    }
}

#[derive(Serialize, Deserialize)]
struct DelegationsForm {
    keys: BTreeMap<KeyId, PublicKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<DelegatedRole>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    succinct_roles: Option<SuccinctRoles>,
}

impl TryFrom<DelegationsForm> for Delegations {
    type Error = BadDelegations;

    fn try_from(form: DelegationsForm) -> Result<Self, BadDelegations> {
        let roles = match (form.roles, form.succinct_roles) {
            (Some(roles), None) => DelegatedRoles::named(roles)?,
            (None, Some(bins)) => DelegatedRoles::Succinct(bins),
            _ => return Err(BadDelegations::ExactlyOne("roles and succinct_roles")),
        };
        Ok(Self {
            keys: form.keys,
            roles,
        })
    }
}

impl From<Delegations> for DelegationsForm {
    fn from(delegations: Delegations) -> Self {
        let (roles, succinct_roles) = match delegations.roles {
            DelegatedRoles::Named(roles) => (Some(roles), None),
            DelegatedRoles::Succinct(bins) => (None, Some(bins)),
        };
        Self {
            keys: delegations.keys,
            roles,
            succinct_roles,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct DelegatedRoleForm {
    name: RoleName,
    #[serde(flatten)]
    keys: RoleKeys,
    terminating: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<PathPattern>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_hash_prefixes: Option<Vec<String>>,
}

impl TryFrom<DelegatedRoleForm> for DelegatedRole {
    type Error = BadDelegations;

    fn try_from(form: DelegatedRoleForm) -> Result<Self, BadDelegations> {
        let paths = match (form.paths, form.path_hash_prefixes) {
            (Some(patterns), None) => DelegatedPaths::Patterns(patterns),
            (None, Some(prefixes)) => match prefixes.iter().find(|prefix| !is_hex(prefix)) {
                Some(bad) => return Err(BadDelegations::HashPrefix(bad.clone())),
                None => DelegatedPaths::HashPrefixes(prefixes),
            },
            _ => return Err(BadDelegations::ExactlyOne("paths and path_hash_prefixes")),
        };
        Ok(Self {
            name: form.name,
            keys: form.keys,
            terminating: form.terminating,
            paths,
        })
    }
}

impl From<DelegatedRole> for DelegatedRoleForm {
    fn from(role: DelegatedRole) -> Self {
        let (paths, path_hash_prefixes) = match role.paths {
            DelegatedPaths::Patterns(patterns) => (Some(patterns), None),
            DelegatedPaths::HashPrefixes(prefixes) => (None, Some(prefixes)),
        };
        Self {
            name: role.name,
            keys: role.keys,
            terminating: role.terminating,
            paths,
            path_hash_prefixes,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SuccinctRolesForm {
    #[serde(flatten)]
    keys: RoleKeys,
    bit_length: u32,
    name_prefix: String,
}

impl TryFrom<SuccinctRolesForm> for SuccinctRoles {
    type Error = BadDelegations;

    fn try_from(form: SuccinctRolesForm) -> Result<Self, BadDelegations> {
        if !(1..=32).contains(&form.bit_length) {
            return Err(BadDelegations::BitLength(form.bit_length));
        }
        Ok(Self {
            keys: form.keys,
            bit_length: form.bit_length,
            name_prefix: form.name_prefix,
        })
    }
}

impl From<SuccinctRoles> for SuccinctRolesForm {
    fn from(bins: SuccinctRoles) -> Self {
        Self {
            keys: bins.keys,
            bit_length: bins.bit_length,
            name_prefix: bins.name_prefix,
        }
    }
}
