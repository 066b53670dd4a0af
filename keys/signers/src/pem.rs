//! Keys as files: encrypted PKCS#8 for the private half, SubjectPublicKeyInfo for the public one, both PEM.
//!
//! Both are what `openssl pkey` reads. The private half is written as PKCS#8 version 1, without its public key:
//! OpenSSL 3.0 cannot read version 2.

use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes, PublicKeyBytes};
use ed25519_dalek::{SigningKey, VerifyingKey};
use pkcs8::der::Decode;
use pkcs8::der::pem::PemLabel;
use pkcs8::pkcs5::{EncryptionScheme, pbes2, scrypt};
use pkcs8::{DecodePublicKey, EncodePublicKey, EncryptedPrivateKeyInfoRef, LineEnding};
use zeroize::Zeroizing;

use crate::{Error, KeyName, Passphrase, Result};

/// scrypt's N = 2^14 and r = 8 take 16 MiB. OpenSSL refuses to use more than 32 MiB, so the cost is raised above
/// the usual p = 1 by parallelism: an attacker pays [`PARALLELISM`] times the work for each guess.
const LOG_N: u8 = 14;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 6;

/// The most that N * r * p * 128 may be in a key that is read, against files that stall or exhaust the machine.
const COST_LIMIT: u64 = 1 << 30;

/// Encrypts a private key under the passphrase.
pub(crate) fn encrypt(
    name: &KeyName,
    key: &SigningKey,
    passphrase: &Passphrase,
) -> Result<Zeroizing<String>> {
    let failed = |source| Error::Encode {
        name: name.clone(),
        source,
    };
    let version_1 = KeypairBytes {
        secret_key: key.to_bytes(),
        public_key: None,
    };
    let plain = version_1.to_pkcs8_der().map_err(failed)?;
    let info =
        pkcs8::PrivateKeyInfoRef::from_der(plain.as_bytes()).map_err(|e| failed(e.into()))?;
    let encrypted = info
        .encrypt_with_params(parameters()?, passphrase.as_bytes())
        .map_err(failed)?;
    encrypted
        .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
        .map_err(|e| failed(e.into()))
}

/// Decrypts what [`encrypt`] or `openssl genpkey -algorithm ed25519 -aes256` wrote.
pub(crate) fn decrypt(name: &KeyName, pem: &str, passphrase: &Passphrase) -> Result<SigningKey> {
    let locked = |source| Error::Locked {
        name: name.clone(),
        source,
    };
    let (label, document) =
        pkcs8::der::SecretDocument::from_pem(pem).map_err(|e| locked(e.into()))?;
    EncryptedPrivateKeyInfoRef::validate_pem_label(label)
        .map_err(|e| locked(pkcs8::der::Error::from(e).into()))?;
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(locked)?;
    check_cost(name, &info.encryption_algorithm)?;
    let plain = info.decrypt(passphrase.as_bytes()).map_err(locked)?;
    let pair = KeypairBytes::try_from(plain.as_bytes()).map_err(locked)?;
    let secret = Zeroizing::new(pair.secret_key);
    Ok(SigningKey::from_bytes(&secret))
}

/// The public half as PEM.
pub(crate) fn encode_public(name: &KeyName, key: &VerifyingKey) -> Result<String> {
    PublicKeyBytes(key.to_bytes())
        .to_public_key_pem(LineEnding::LF)
        .map_err(|source| Error::Encode {
            name: name.clone(),
            source: source.into(),
        })
}

/// The public half from PEM.
pub(crate) fn decode_public(name: &KeyName, pem: &str) -> Result<VerifyingKey> {
    let refused = || Error::Public { name: name.clone() };
    let bytes = PublicKeyBytes::from_public_key_pem(pem).map_err(|_| refused())?;
    VerifyingKey::from_bytes(&bytes.to_bytes()).map_err(|_| refused())
}

fn parameters() -> Result<pbes2::Parameters> {
    let mut salt = [0; 16];
    let mut iv = [0; 16];
    getrandom::fill(&mut salt)
        .and_then(|()| getrandom::fill(&mut iv))
        .map_err(|_| Error::Random)?;
    let cost = scrypt::Params::new(LOG_N, BLOCK_SIZE, PARALLELISM).map_err(|_| Error::Random)?;
    pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|_| Error::Random)
}

fn check_cost(name: &KeyName, scheme: &EncryptionScheme) -> Result<()> {
    let Some(scrypt) = scheme
        .pbes2()
        .and_then(|parameters| parameters.kdf.scrypt())
    else {
        return Ok(());
    };
    let cost = [
        u64::from(scrypt.block_size),
        u64::from(scrypt.parallelization),
        128,
    ]
    .iter()
    .fold(scrypt.cost_parameter, |product, factor| {
        product.saturating_mul(*factor)
    });
    match cost > COST_LIMIT {
        true => Err(Error::Cost {
            name: name.clone(),
            cost,
            limit: COST_LIMIT,
        }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> KeyName {
        "stable-1".parse().unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn what_is_encrypted_decrypts_under_its_passphrase_alone() {
        let pem = encrypt(&name(), &key(), &Passphrase::new("right".into())).unwrap();
        let back = decrypt(&name(), &pem, &Passphrase::new("right".into())).unwrap();
        assert_eq!(back.to_bytes(), key().to_bytes());
        let error = decrypt(&name(), &pem, &Passphrase::new("wrong".into())).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    }

    #[test]
    fn a_public_key_survives_its_file() {
        let public = key().verifying_key();
        let pem = encode_public(&name(), &public).unwrap();
        assert_eq!(decode_public(&name(), &pem).unwrap(), public);
        assert!(decode_public(&name(), "-----BEGIN NOTHING-----").is_err());
    }

    #[test]
    fn a_key_that_asks_for_gigabytes_is_refused_before_they_are_spent() {
        let cost = scrypt::Params::new(24, 8, 1).unwrap();
        let greedy = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &[0; 16], [0; 16]).unwrap();
        let error = check_cost(&name(), &greedy.into()).unwrap_err();
        assert!(matches!(error, Error::Cost { .. }), "{error:?}");
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        for text in [
            "",
            "x",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ] {
            assert!(decrypt(&name(), text, &Passphrase::new(String::new())).is_err());
        }
    }
}
