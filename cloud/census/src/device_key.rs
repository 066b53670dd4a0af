//! The key that a printer signs its reports with.

use std::{fmt, str::FromStr};

use ed25519_dalek::VerifyingKey;
use firstlayer_bundle::Sha256;

/// A printer's public key (ed25519, RFC 8032), always a usable one. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeviceKey(VerifyingKey);

/// What is no usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a device key is an ed25519 public key in 64 lower-case hexadecimal digits")]
pub struct DeviceKeyError;

impl DeviceKey {
    /// The key of these bytes. Errors: no key, or one that any signature holds for.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, DeviceKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| DeviceKeyError)?;
        if key.is_weak() {
            return Err(DeviceKeyError);
        }
        Ok(Self(key))
    }

    /// To verify a report with.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.0
    }
}

impl FromStr for DeviceKey {
    type Err = DeviceKeyError;

    fn from_str(text: &str) -> Result<Self, DeviceKeyError> {
        // A hash has the same 32 bytes in the same digits.
        let bytes: Sha256 = text.parse().map_err(|_| DeviceKeyError)?;
        Self::from_bytes(bytes.as_bytes())
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Sha256::from_bytes(self.0.to_bytes()), f)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 1.
    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn text_round_trips() {
        assert_eq!(KEY.parse::<DeviceKey>().unwrap().to_string(), KEY);
    }

    #[test]
    fn keys_for_which_any_signature_holds_are_refused() {
        // The neutral element, and a point of order 2.
        let neutral = format!("01{}", "00".repeat(31));
        let second = format!("ec{}7f", "ff".repeat(30));
        for text in [&neutral, &second, &KEY.to_uppercase(), "", &KEY[1..]] {
            assert_eq!(text.parse::<DeviceKey>(), Err(DeviceKeyError), "{text}");
        }
    }
}
