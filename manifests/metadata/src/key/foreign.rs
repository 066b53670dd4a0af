//! Keys of other people's repositories: ECDSA P-256 and RSA-PSS, verification only.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use spki::der::{Decode, Document};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The bare public key: an uncompressed point, or modulus and exponent in PKCS#1's form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ForeignKey {
    EcdsaP256(Vec<u8>),
    RsaPss(Vec<u8>),
}

impl ForeignKey {
    /// Reads a PEM `SubjectPublicKeyInfo`; nothing if type, scheme and content do not agree.
    pub(crate) fn read(keytype: &str, scheme: &str, pem: &str) -> Option<Self> {
        match (keytype, scheme) {
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                bare_key(pem, EC_PUBLIC_KEY, Some(P256)).map(Self::EcdsaP256)
            }
            ("rsa", "rsassa-pss-sha256") => bare_key(pem, RSA_ENCRYPTION, None).map(Self::RsaPss),
            _ => None,
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&'static dyn VerificationAlgorithm, _) = match self {
            Self::EcdsaP256(point) => (&signature::ECDSA_P256_SHA256_ASN1, point),
            Self::RsaPss(key) => (&signature::RSA_PSS_2048_8192_SHA256, key),
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .is_ok()
    }
}

/// The content of a PEM public key of this algorithm and curve.
fn bare_key(
    pem: &str,
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
) -> Option<Vec<u8>> {
    let (label, document) = Document::from_pem(pem.trim()).ok()?;
    let info = SubjectPublicKeyInfoRef::from_der(document.as_bytes()).ok()?;
    let same_curve = info.algorithm.parameters_oid().ok() == curve;
    let fits = label == "PUBLIC KEY" && info.algorithm.oid == algorithm && same_curve;
    let bytes = info.subject_public_key.as_bytes().filter(|_| fits)?;
    Some(bytes.to_vec())
}
