//! A private key that is ready to sign.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use firstlayer_metadata::{PublicKey, Sign, SignError, Signature};
use zeroize::Zeroizing;

use crate::{Error, KeyName, Result};

/// A key's both halves. `Debug` shows the name alone; the secret is wiped when it is dropped.
pub struct Signer {
    name: KeyName,
    public: PublicKey,
    secret: SigningKey,
}

impl Signer {
    pub(crate) fn new(name: KeyName, secret: SigningKey) -> Result<Self> {
        let public = public_key(&name, &secret.verifying_key())?;
        Ok(Self {
            name,
            public,
            secret,
        })
    }

    /// A new key that lives in memory alone, and is gone with this value: for repositories that are tried out and thrown
    /// away.
    ///
    /// # Errors
    /// [`Error::Random`] when the system gives no randomness.
    pub fn ephemeral(name: KeyName) -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| Error::Random)?;
        Self::new(name, SigningKey::from_bytes(&seed))
    }

    /// Which key this is.
    pub fn name(&self) -> &KeyName {
        &self.name
    }
}

impl Sign for Signer {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> std::result::Result<Signature, SignError> {
        Ok(Signature::new(
            self.public.key_id(),
            &self.secret.sign(message).to_bytes(),
        ))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.name.as_str()).finish()
    }
}

/// The public half as metadata has it: the name is a part of it, and so of the key's id.
pub(crate) fn public_key(name: &KeyName, key: &VerifyingKey) -> Result<PublicKey> {
    PublicKey::ed25519(key.as_bytes(), Some(name.as_str()))
        .map_err(|_| Error::Public { name: name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_signs_verifies_and_it_shows_no_secret() {
        let name: KeyName = "stable-1".parse().unwrap();
        let signer = Signer::new(name, SigningKey::from_bytes(&[7; 32])).unwrap();
        let signature = signer.sign(b"message").unwrap();
        assert!(signer.public_key().verifies(b"message", &signature.sig));
        assert!(!signer.public_key().verifies(b"other", &signature.sig));
        assert_eq!(format!("{signer:?}"), "Signer(\"stable-1\")");
    }
}
