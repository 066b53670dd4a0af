//! The one threshold function, and the one module that makes [`Verified`] values.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::error::{Error, Result};
use crate::key::{KeyId, PublicKey};
use crate::raw::{Raw, Signature};
use crate::role::root::Root;
use crate::role::{self, Role, RoleKeys};

/// A role over whose bytes a threshold of signatures held. Only this crate's verification makes one.
#[derive(Debug, Clone)]
pub struct Verified<T> {
    role: T,
    bytes: Vec<u8>,
}

impl<T> Verified<T> {
    /// The bytes as they came, signatures included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.role
    }
}

/// Who may sign a role, as the role above it says.
#[derive(Clone, Copy)]
pub(crate) struct Signers<'a> {
    pub(crate) authority: &'a str,
    pub(crate) keys: &'a BTreeMap<KeyId, PublicKey>,
    pub(crate) role: &'a RoleKeys,
}

impl<'a> Signers<'a> {
    /// The number of distinct authorised keys with a valid signature over the message.
    /// Keys count by what verifies, so that one key under several ids counts once.
    pub(crate) fn count(&self, message: &[u8], signatures: &[Signature]) -> usize {
        let signing_key = |signature: &Signature| {
            let key = self.key(&signature.keyid)?;
            key.verifies(message, &signature.sig)
                .then_some(key.material())
        };
        signatures
            .iter()
            .filter_map(signing_key)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// The key of this id, if it may sign.
    pub(crate) fn key(self, keyid: &KeyId) -> Option<&'a PublicKey> {
        self.role
            .keyids()
            .contains(keyid)
            .then(|| self.keys.get(keyid))
            .flatten()
    }

    /// The threshold function: for every role, top-level and delegated, read and authored.
    fn check(&self, raw: &Raw) -> Result<()> {
        let have = self.count(&raw.message, &raw.signatures);
        let need = self.role.threshold();
        if u64::try_from(have).is_ok_and(|have| have >= need) {
            return Ok(());
        }
        Err(Error::Threshold {
            role: raw.role.clone(),
            authority: self.authority.to_owned(),
            have,
            need,
        })
    }
}

/// Checks the signatures, and only then reads the role.
pub(crate) fn verify<T: Role>(raw: Raw, signers: Signers<'_>) -> Result<Verified<T>> {
    signers.check(&raw)?;
    read(raw)
}

/// A trust anchor: its keys are trusted because the caller brings them, and must sign it themselves.
pub(crate) fn verify_trust_anchor(raw: Raw) -> Result<Verified<Root>> {
    let root: Root = role::from_value(&raw.role, raw.signed())?;
    let signers = root.signers(&root.roles.root);
    verify(raw, signers)
}

/// A new root: signed as the trusted one says, and as it says itself.
pub(crate) fn verify_root(raw: Raw, trusted: &Root) -> Result<Verified<Root>> {
    trusted.signers(&trusted.roles.root).check(&raw)?;
    let root: Root = role::from_value(&raw.role, raw.signed())?;
    let signers = root.signers(&root.roles.root);
    verify(raw, signers)
}

fn read<T: Role>(raw: Raw) -> Result<Verified<T>> {
    let role = role::from_value(&raw.role, raw.signed())?;
    Ok(Verified {
        role,
        bytes: raw.bytes,
    })
}
