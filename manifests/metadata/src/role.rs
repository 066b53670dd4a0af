//! The roles' content, and what they have in common. Plain data: a role is trusted only inside [`crate::Verified`].

pub(crate) mod delegations;
pub(crate) mod root;
pub(crate) mod snapshot;
pub(crate) mod targets;
pub(crate) mod timestamp;

use std::num::NonZeroU64;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::expires::Expires;
use crate::hash::Hashes;
use crate::key::KeyId;
use crate::name::RoleName;

/// The version of the specification that authored metadata names.
pub(crate) const SPEC_VERSION: &str = "1.0.31";

/// What every role says of itself.
pub trait Role: Serialize + DeserializeOwned {
    /// The value of `_type`.
    const TYPE: &'static str;

    /// The version of the specification that it follows.
    fn spec_version(&self) -> &str;

    /// Its own version, from 1 upwards.
    fn version(&self) -> u64;

    /// When it stops being fresh.
    fn expires(&self) -> Expires;
}

/// The keys that may sign a role, each named once, and how many of them must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RoleKeysForm")]
pub struct RoleKeys {
    threshold: NonZeroU64,
    keyids: Vec<KeyId>,
}

/// Role keys that could never keep anyone out, or that name a key twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRoleKeys {
    /// A threshold that no signature at all would meet.
    #[error("the threshold is 0")]
    NoThreshold,
    /// One key that would look like two.
    #[error("the key {0} is named twice")]
    Duplicate(KeyId),
}

#[derive(Deserialize)]
struct RoleKeysForm {
    threshold: u64,
    keyids: Vec<KeyId>,
}

impl RoleKeys {
    /// Errors: a threshold of 0, or a key named twice.
    pub fn new(threshold: u64, keyids: Vec<KeyId>) -> Result<Self, BadRoleKeys> {
        let threshold = NonZeroU64::new(threshold).ok_or(BadRoleKeys::NoThreshold)?;
        let mut seen = std::collections::BTreeSet::new();
        match keyids.iter().find(|keyid| !seen.insert(*keyid)) {
            Some(twice) => Err(BadRoleKeys::Duplicate(twice.clone())),
            None => Ok(Self { threshold, keyids }),
        }
    }

    /// How many distinct keys must sign: at least 1.
    pub fn threshold(&self) -> u64 {
        self.threshold.get()
    }

    /// The keys that may sign.
    pub fn keyids(&self) -> &[KeyId] {
        &self.keyids
    }
}

impl TryFrom<RoleKeysForm> for RoleKeys {
    type Error = BadRoleKeys;

    fn try_from(form: RoleKeysForm) -> Result<Self, BadRoleKeys> {
        Self::new(form.threshold, form.keyids)
    }
}

/// What one role says of another role's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaFile {
    /// The version that is current.
    #[serde(deserialize_with = "version")]
    pub version: u64,
    /// The file's length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The file's hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<Hashes>,
}

impl MetaFile {
    /// Version, length and sha256 of finished metadata.
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).ok();
        Self {
            version,
            length,
            hashes: Some(Hashes::of(bytes)),
        }
    }

    /// Whether the bytes have the length and the hashes that are given.
    pub(crate) fn check(&self, role: &RoleName, bytes: &[u8]) -> Result<()> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(expected) = self.length.filter(|length| *length != found) {
            return Err(Error::WrongLength {
                file: role.local_file(),
                expected,
                found,
            });
        }
        let hashes = self
            .hashes
            .as_ref()
            .map_or(Ok(()), |hashes| hashes.check(bytes));
        hashes.map_err(|source| Error::Hash {
            file: role.local_file(),
            source,
        })
    }
}

/// Reads a role from the signed value. Only [`crate::verify`] may call this on bytes from outside.
pub(crate) fn from_value<T: Role>(name: &RoleName, signed: &Value) -> Result<T> {
    let found = signed
        .get("_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if found != T::TYPE {
        return Err(Error::WrongType {
            role: name.clone(),
            expected: T::TYPE,
            found: found.to_owned(),
        });
    }
    let mut members = signed.clone();
    members
        .as_object_mut()
        .map(|members| members.remove("_type"));
    let role = T::deserialize(members).map_err(|source| Error::Malformed {
        role: name.clone(),
        source,
    })?;
    let found = role.spec_version();
    if found != "1" && !found.starts_with("1.") {
        return Err(Error::SpecVersion {
            role: name.clone(),
            found: found.to_owned(),
        });
    }
    Ok(role)
}

/// The value to be signed.
pub(crate) fn to_value<T: Role>(role: &T) -> serde_json::Result<Value> {
    let mut signed = serde_json::to_value(role)?;
    if let Some(members) = signed.as_object_mut() {
        members.insert("_type".to_owned(), T::TYPE.into());
    }
    Ok(signed)
}

/// Reads a version: an integer from 1 upwards.
pub(crate) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    NonZeroU64::deserialize(deserializer).map(NonZeroU64::get)
}
