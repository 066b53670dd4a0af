//! Public keys and keyids: which keys can be used, and when a signature by one of them holds.

#[cfg(feature = "foreign-keys")]
mod foreign;

use std::fmt;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::canonical::canonical_json;
use crate::error::{Error, Result};
use crate::hash::{from_hex, sha256_hex};

/// The member of a key object that carries the name its maintainers know it by.
const NAME: &str = "x-firstlayer-name";

/// How the names of throwaway keys begin.
pub const DEVELOPMENT: &str = "development";

/// The identifier of a key; for keys that we author, the sha256 of the key's canonical JSON as hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The identifier as the metadata has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A public key as metadata describes it, with every member it came with.
///
/// A key of a type that is not known here, or whose value is broken, is kept: it verifies nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct PublicKey {
    object: Map<String, Value>,
    material: Material,
}

/// What verifies, whatever the JSON around it: two keys with the same material are one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Material {
    Ed25519([u8; 32]),
    #[cfg(feature = "foreign-keys")]
    Foreign(foreign::ForeignKey),
    Unusable,
}

/// The members of a key object that say what it is.
#[derive(Deserialize)]
struct Form {
    keytype: String,
    scheme: String,
    keyval: KeyValue,
}

#[derive(Deserialize)]
struct KeyValue {
    public: String,
}

impl PublicKey {
    /// An ed25519 key, optionally with the name its maintainers know it by.
    /// Errors: [`Error::UnusableKey`] if the bytes are no point of the curve, or one of small order.
    pub fn ed25519(public: &[u8; 32], name: Option<&str>) -> Result<Self> {
        let unusable = || Error::UnusableKey {
            scheme: "ed25519".to_owned(),
        };
        let point = VerifyingKey::from_bytes(public).map_err(|_| unusable())?;
        if point.is_weak() {
            return Err(unusable());
        }
        let mut object = Map::new();
        object.insert("keytype".to_owned(), "ed25519".into());
        object.insert("scheme".to_owned(), "ed25519".into());
        object.insert(
            "keyval".to_owned(),
            json!({ "public": crate::hash::hex(public) }),
        );
        if let Some(name) = name {
            object.insert(NAME.to_owned(), name.into());
        }
        Ok(Self {
            object,
            material: Material::Ed25519(*public),
        })
    }

    /// The sha256 of the key's canonical JSON, name included.
    pub fn key_id(&self) -> KeyId {
        // A key object holds integers and strings only: the reader and the constructor see to it.
        let canonical = canonical_json(&Value::Object(self.object.clone())).unwrap_or_default();
        KeyId(sha256_hex(&canonical))
    }

    /// The name its maintainers know it by.
    pub fn name(&self) -> Option<&str> {
        self.object.get(NAME)?.as_str()
    }

    /// Whether its name says that it is a throwaway key.
    pub fn is_development(&self) -> bool {
        self.name()
            .is_some_and(|name| name.starts_with(DEVELOPMENT))
    }

    /// The scheme that it names, such as `ed25519`.
    pub fn scheme(&self) -> &str {
        self.object
            .get("scheme")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether this build can verify signatures of the key.
    pub fn is_usable(&self) -> bool {
        self.material != Material::Unusable
    }

    /// What makes it distinct from other keys.
    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    /// Whether the signature, in hex, is this key's over the message.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        from_hex(signature).is_some_and(|signature| self.material.verifies(message, &signature))
    }
}

impl Material {
    fn read(form: &Form) -> Self {
        match (form.keytype.as_str(), form.scheme.as_str()) {
            ("ed25519", "ed25519") => from_hex(&form.keyval.public)
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .map_or(Self::Unusable, Self::Ed25519),
            #[cfg(feature = "foreign-keys")]
            (keytype, scheme) => foreign::ForeignKey::read(keytype, scheme, &form.keyval.public)
                .map_or(Self::Unusable, Self::Foreign),
            #[cfg(not(feature = "foreign-keys"))]
            _ => Self::Unusable,
        }
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(public) => ed25519_verifies(public, message, signature),
            #[cfg(feature = "foreign-keys")]
            Self::Foreign(key) => key.verifies(message, signature),
            Self::Unusable => false,
        }
    }
}

/// Strict verification: the plain one accepts forgeries under keys of small order.
fn ed25519_verifies(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(public);
    let signature = ed25519_dalek::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(message, &signature).is_ok())
}

impl TryFrom<Map<String, Value>> for PublicKey {
    type Error = serde_json::Error;

    fn try_from(object: Map<String, Value>) -> serde_json::Result<Self> {
        let form = Form::deserialize(Value::Object(object.clone()))?;
        Ok(Self {
            object,
            material: Material::read(&form),
        })
    }
}

impl From<PublicKey> for Map<String, Value> {
    fn from(key: PublicKey) -> Self {
        key.object
    }
}
