//! The timestamp role: which snapshot is current.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{MetaFile, Role, SPEC_VERSION};
use crate::expires::Expires;

/// The content of `timestamp.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timestamp {
    /// The version of the specification.
    pub spec_version: String,
    /// This timestamp's version, from 1 upwards.
    #[serde(deserialize_with = "super::version")]
    pub version: u64,
    /// When it stops being fresh.
    pub expires: Expires,
    meta: Meta,
    /// Members that this crate does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    #[serde(rename = "snapshot.json")]
    snapshot: MetaFile,
}

impl Timestamp {
    /// A timestamp for this snapshot.
    pub fn new(version: u64, expires: Expires, snapshot: MetaFile) -> Self {
        let meta = Meta { snapshot };
        Self {
            spec_version: SPEC_VERSION.to_owned(),
            version,
            expires,
            meta,
            extra: Map::new(),
        }
    }

    /// The snapshot that is current.
    pub fn snapshot(&self) -> &MetaFile {
        &self.meta.snapshot
    }
}

impl Role for Timestamp {
    const TYPE: &'static str = "timestamp";

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
