//! The snapshot role: which version of each targets role is current.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{MetaFile, Role, SPEC_VERSION};
use crate::expires::Expires;
use crate::name::RoleName;

/// The content of `snapshot.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of the specification.
    pub spec_version: String,
    /// This snapshot's version, from 1 upwards.
    #[serde(deserialize_with = "super::version")]
    pub version: u64,
    /// When it stops being fresh.
    pub expires: Expires,
    /// The targets roles, top-level and delegated. In JSON each name ends in `.json`.
    #[serde(with = "by_file")]
    pub meta: BTreeMap<RoleName, MetaFile>,
    /// Members that this crate does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Snapshot {
    /// A snapshot of these targets roles.
    pub fn new(version: u64, expires: Expires, meta: BTreeMap<RoleName, MetaFile>) -> Self {
        Self {
            spec_version: SPEC_VERSION.to_owned(),
            version,
            expires,
            meta,
            extra: Map::new(),
        }
    }
}

impl Role for Snapshot {
    const TYPE: &'static str = "snapshot";

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

/// The table with `stable.json` in JSON where we have the role `stable`.
mod by_file {
    use std::collections::BTreeMap;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::name::RoleName;
    use crate::role::MetaFile;

    pub(super) fn serialize<S: Serializer>(
        meta: &BTreeMap<RoleName, MetaFile>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(
            meta.iter()
                .map(|(role, file)| (format!("{role}.json"), file)),
        )
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<RoleName, MetaFile>, D::Error> {
        let role = |name: &str| match name.strip_suffix(".json") {
            Some(role) => role.parse().map_err(D::Error::custom),
            None => Err(D::Error::custom(format!(
                "the file {name:?} does not end in .json"
            ))),
        };
        let files = BTreeMap::<String, MetaFile>::deserialize(from)?;
        files
            .into_iter()
            .map(|(name, file)| Ok((role(&name)?, file)))
            .collect()
    }
}
