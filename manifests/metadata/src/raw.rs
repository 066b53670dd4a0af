//! Metadata as it arrives: split into the bytes that are signed and the signatures, and nothing more.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::error::{Error, Result};
use crate::hash::hex;
use crate::json;
use crate::key::{KeyId, PublicKey};
use crate::name::RoleName;

/// A signature as metadata has it: who is said to have made it, and its bytes as hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The key that is said to have signed.
    pub keyid: KeyId,
    /// The signature as hex; foreign metadata may hold any text here, which then verifies nothing.
    pub sig: String,
}

impl Signature {
    /// A signature from its bytes.
    pub fn new(keyid: KeyId, signature: &[u8]) -> Self {
        Self {
            keyid,
            sig: hex(signature),
        }
    }
}

/// What a signer's failure is, in its own words.
pub type SignError = Box<dyn std::error::Error + Send + Sync>;

/// A holder of a private key.
pub trait Sign {
    /// The key that its signatures verify under.
    fn public_key(&self) -> &PublicKey;

    /// Signs the message.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// Metadata whose signatures have not been checked: its content cannot be read from here.
pub(crate) struct Raw {
    pub(crate) role: RoleName,
    pub(crate) bytes: Vec<u8>,
    /// The canonical form of `signed`: what the signatures are over.
    pub(crate) message: Vec<u8>,
    pub(crate) signatures: Vec<Signature>,
    signed: Value,
}

/// The two members that all metadata has; others are ignored, since nothing signs them.
#[derive(Deserialize)]
struct Envelope {
    signed: Value,
    signatures: Vec<Signature>,
}

impl Raw {
    /// Splits the bytes. Errors: [`Error::Malformed`], [`Error::DuplicateSignature`].
    pub(crate) fn split(role: &RoleName, bytes: Vec<u8>) -> Result<Self> {
        let malformed = |source| Error::Malformed {
            role: role.clone(),
            source,
        };
        let value = json::parse(&bytes).map_err(malformed)?;
        let Envelope { signed, signatures } = Envelope::deserialize(value).map_err(malformed)?;
        let message = canonical_json(&signed).map_err(malformed)?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = signatures
            .iter()
            .find(|signature| !seen.insert(&signature.keyid))
        {
            return Err(Error::DuplicateSignature {
                role: role.clone(),
                keyid: twice.keyid.clone(),
            });
        }
        Ok(Self {
            role: role.clone(),
            bytes,
            message,
            signatures,
            signed,
        })
    }

    /// The signed content: for [`crate::verify`] alone, once the signatures hold.
    pub(crate) fn signed(&self) -> &Value {
        &self.signed
    }
}
