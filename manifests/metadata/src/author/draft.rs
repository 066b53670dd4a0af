//! A role that waits for its signatures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Authority, rules};
use crate::canonical::canonical_json;
use crate::error::{Error, Result};
use crate::key::KeyId;
use crate::name::RoleName;
use crate::raw::{Raw, Sign, Signature};
use crate::role::{self, Role};

/// A role whose content is fixed and follows the rules, and whose signatures are being collected.
#[derive(Debug, Clone)]
pub struct Draft<T> {
    name: RoleName,
    role: T,
    signed: Value,
    payload: Vec<u8>,
    authorities: Vec<Authority>,
    signatures: BTreeMap<KeyId, Signature>,
}

/// What one authority still asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who asks: `root`, `the previous root`, or a delegator.
    pub authority: String,
    /// How many distinct keys must sign.
    pub threshold: u64,
    /// How many have.
    pub have: usize,
    /// The keys that have not.
    pub keyids: Vec<KeyId>,
}

impl<T: Role> Draft<T> {
    pub(super) fn new(name: RoleName, role: T, authorities: Vec<Authority>) -> Result<Self> {
        let malformed = |source| Error::Malformed {
            role: name.clone(),
            source,
        };
        let signed = role::to_value(&role).map_err(malformed)?;
        let payload = canonical_json(&signed).map_err(malformed)?;
        rules::check_values(&name, &signed)?;
        Ok(Self {
            name,
            role,
            signed,
            payload,
            authorities,
            signatures: BTreeMap::new(),
        })
    }

    /// The content.
    pub fn role(&self) -> &T {
        &self.role
    }

    /// The role's name.
    pub fn name(&self) -> &RoleName {
        &self.name
    }

    /// The bytes that are to be signed: canonical JSON.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The file's name in a repository with consistent snapshots: `3.root.json`, `timestamp.json`.
    pub fn file_name(&self) -> String {
        if self.name.as_str() == "timestamp" {
            return self.name.local_file();
        }
        self.name.versioned_file(self.role.version())
    }

    /// Whether this key may sign.
    pub fn accepts(&self, keyid: &KeyId) -> bool {
        self.authorities
            .iter()
            .any(|authority| authority.signers().key(keyid).is_some())
    }

    /// Adds a signature; one more of the same key takes the place of the first.
    /// Errors: the key may not sign, or the signature does not verify over [`Draft::payload`].
    pub fn add_signature(&mut self, signature: Signature) -> Result<()> {
        let keyid = signature.keyid.clone();
        let authorities = self.authorities.iter();
        let keys: Vec<_> = authorities
            .filter_map(|authority| authority.signers().key(&keyid))
            .collect();
        if keys.is_empty() {
            return Err(Error::UnauthorisedKey {
                role: self.name.clone(),
                keyid,
            });
        }
        if !keys
            .iter()
            .all(|key| key.verifies(&self.payload, &signature.sig))
        {
            return Err(Error::BadSignature {
                role: self.name.clone(),
                keyid,
            });
        }
        self.signatures.insert(keyid, signature);
        Ok(())
    }

    /// Signs with a key that may sign. Errors: it may not, or the signer fails.
    pub fn sign_with(&mut self, signer: &dyn Sign) -> Result<()> {
        let keyid = signer.public_key().key_id();
        if !self.accepts(&keyid) {
            return Err(Error::UnauthorisedKey {
                role: self.name.clone(),
                keyid,
            });
        }
        let signature = signer
            .sign(&self.payload)
            .map_err(|source| Error::Signer { keyid, source })?;
        self.add_signature(signature)
    }

    /// Takes over the signatures of a partly signed file, and says how many.
    /// Errors: the file has another content, or a signature that [`Draft::add_signature`] refuses.
    pub fn add_signatures_from(&mut self, partly_signed: &[u8]) -> Result<usize> {
        let raw = Raw::split(&self.name, partly_signed.to_vec())?;
        if raw.message != self.payload {
            let rule = "the partly signed file has another content".to_owned();
            return Err(Error::Rule {
                role: self.name.clone(),
                rule,
            });
        }
        let count = raw.signatures.len();
        raw.signatures
            .into_iter()
            .try_for_each(|signature| self.add_signature(signature))?;
        Ok(count)
    }

    /// What is still missing; nothing when the draft can be finished.
    pub fn missing(&self) -> Vec<Missing> {
        self.authorities
            .iter()
            .filter_map(|authority| self.missing_for(authority))
            .collect()
    }

    /// The file with the signatures so far, to be saved and handed on.
    pub fn partly_signed(&self) -> Vec<u8> {
        let signatures: Vec<_> = self.signatures.values().collect();
        let file = json!({ "signatures": signatures, "signed": self.signed });
        format!("{file:#}\n").into_bytes()
    }

    /// The finished file. Errors: [`Error::Unfinished`] while a threshold is not met.
    pub fn finish(self) -> Result<Vec<u8>> {
        match self.missing().into_iter().next() {
            None => Ok(self.partly_signed()),
            Some(Missing {
                authority,
                threshold,
                have,
                ..
            }) => Err(Error::Unfinished {
                role: self.name,
                authority,
                have,
                need: threshold,
            }),
        }
    }

    fn missing_for(&self, authority: &Authority) -> Option<Missing> {
        let signatures: Vec<_> = self.signatures.values().cloned().collect();
        let have = authority.signers().count(&self.payload, &signatures);
        let threshold = authority.role.threshold();
        if u64::try_from(have).is_ok_and(|have| have >= threshold) {
            return None;
        }
        let unsigned = |keyid: &&KeyId| !self.signatures.contains_key(*keyid);
        let keyids = authority
            .role
            .keyids()
            .iter()
            .filter(unsigned)
            .cloned()
            .collect();
        Some(Missing {
            authority: authority.name.clone(),
            threshold,
            have,
            keyids,
        })
    }
}

/// The content of a partly signed file. Not verified: for whoever is about to sign it to look at,
/// and to make it a draft again.
pub fn read_partly_signed<T: Role>(name: &RoleName, bytes: &[u8]) -> Result<T> {
    role::from_value(name, Raw::split(name, bytes.to_vec())?.signed())
}
