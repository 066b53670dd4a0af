//! The targets roles, top-level and delegated: the files that can be trusted, and who else may name such files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::delegations::Delegations;
use super::{Role, SPEC_VERSION};
use crate::expires::Expires;
use crate::hash::Hashes;
use crate::name::TargetPath;

/// The content of `targets.json`, or of a delegated role's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    /// The version of the specification.
    pub spec_version: String,
    /// This file's version, from 1 upwards.
    #[serde(deserialize_with = "super::version")]
    pub version: u64,
    /// When it stops being fresh.
    pub expires: Expires,
    /// The files that this role vouches for itself.
    pub targets: BTreeMap<TargetPath, TargetFile>,
    /// The roles that it delegates to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
    /// Members that this crate does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is signed of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetFile {
    /// The length in bytes.
    pub length: u64,
    /// The hashes; ours always have sha256.
    pub hashes: Hashes,
    /// What the application wants to say of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Map<String, Value>>,
}

impl Targets {
    /// A role with no targets and no delegations yet.
    pub fn new(version: u64, expires: Expires) -> Self {
        Self {
            spec_version: SPEC_VERSION.to_owned(),
            version,
            expires,
            targets: BTreeMap::new(),
            delegations: None,
            extra: Map::new(),
        }
    }
}

impl TargetFile {
    /// Length and sha256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self {
            length,
            hashes: Hashes::of(bytes),
            custom: None,
        }
    }
}

impl Role for Targets {
    const TYPE: &'static str = "targets";

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
