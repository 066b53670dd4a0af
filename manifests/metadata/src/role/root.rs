//! The root role: which keys sign the top-level roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Role, RoleKeys, SPEC_VERSION};
use crate::expires::Expires;
use crate::key::{KeyId, PublicKey};
use crate::verify::Signers;

/// The content of `root.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// The version of the specification.
    pub spec_version: String,
    /// This root's version, from 1 upwards.
    #[serde(deserialize_with = "super::version")]
    pub version: u64,
    /// When it stops being fresh.
    pub expires: Expires,
    /// Whether files in the repository carry their version, or hash, in their names.
    #[serde(default)]
    pub consistent_snapshot: bool,
    /// All keys that the roles name.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// Who signs what.
    pub roles: RootRoles,
    /// Members that this crate does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The keys of the four top-level roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootRoles {
    /// Who signs the next root, and this one.
    pub root: RoleKeys,
    /// Who signs the timestamp.
    pub timestamp: RoleKeys,
    /// Who signs the snapshot.
    pub snapshot: RoleKeys,
    /// Who signs the top-level targets.
    pub targets: RoleKeys,
}

impl Root {
    /// A root with consistent snapshots, in which the keys have their own ids.
    pub fn new(
        version: u64,
        expires: Expires,
        keys: impl IntoIterator<Item = PublicKey>,
        roles: RootRoles,
    ) -> Self {
        Self {
            spec_version: SPEC_VERSION.to_owned(),
            version,
            expires,
            consistent_snapshot: true,
            keys: keys.into_iter().map(|key| (key.key_id(), key)).collect(),
            roles,
            extra: Map::new(),
        }
    }

    /// Whether any key is a throwaway one by its name, so that the repository must not be taken for a real one.
    pub fn is_development(&self) -> bool {
        self.keys.values().any(PublicKey::is_development)
    }

    /// The signers of one of the four roles.
    pub(crate) fn signers<'a>(&'a self, role: &'a RoleKeys) -> Signers<'a> {
        Signers {
            authority: "root",
            keys: &self.keys,
            role,
        }
    }
}

impl Role for Root {
    const TYPE: &'static str = "root";

    fn spec_version(&self) -> &str {
        &self.spec_version
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> Expires {
        self.expires
    }
}
