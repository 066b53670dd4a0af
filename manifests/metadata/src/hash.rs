//! Hashes of files, as signed metadata states them, and their check.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

/// Hashes by algorithm, as lower-case hex. At least one is there; those of a known algorithm have its length.
///
/// Algorithms that are not known are kept, and refused when the hashes are to be checked:
/// what cannot be checked is not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Hashes(BTreeMap<String, String>);

/// What is wrong with hashes, or with the bytes that they should match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHash {
    /// An empty table of hashes vouches for nothing.
    #[error("there is no hash")]
    None,
    /// Not lower-case hex of the algorithm's length.
    #[error("the {0} is not lower-case hex of the right length")]
    Form(String),
    /// An algorithm that cannot be checked here.
    #[error("the hash algorithm {0:?} is not known")]
    UnknownAlgorithm(String),
    /// The bytes have another hash.
    #[error("the {0} differs")]
    Differs(&'static str),
}

impl Hashes {
    /// The sha256 of these bytes, and nothing else.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_sha256(&Sha256::digest(bytes).into())
    }

    /// A sha256 that is known already.
    pub fn from_sha256(hash: &[u8; 32]) -> Self {
        Self(BTreeMap::from([("sha256".to_owned(), hex(hash))]))
    }

    /// The sha256 as 64 lower-case hex characters, if it is given.
    pub fn sha256(&self) -> Option<&str> {
        self.0.get("sha256").map(String::as_str)
    }

    /// Hash algorithms and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(algorithm, value)| (algorithm.as_str(), value.as_str()))
    }

    /// Whether the bytes have all of these hashes.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), BadHash> {
        let mut checker = self.checker()?;
        checker.update(bytes);
        checker.finish()
    }

    /// A check of bytes that come piece by piece.
    pub(crate) fn checker(&self) -> Result<HashChecker, BadHash> {
        if let Some((unknown, _)) = self
            .iter()
            .find(|(algorithm, _)| length(algorithm).is_none())
        {
            return Err(BadHash::UnknownAlgorithm(unknown.to_owned()));
        }
        let expected = |algorithm| self.0.get(algorithm).cloned();
        Ok(HashChecker {
            sha256: expected("sha256").map(|hash| (Sha256::new(), hash)),
            sha512: expected("sha512").map(|hash| (Sha512::new(), hash)),
        })
    }
}

impl TryFrom<BTreeMap<String, String>> for Hashes {
    type Error = BadHash;

    fn try_from(hashes: BTreeMap<String, String>) -> Result<Self, BadHash> {
        if hashes.is_empty() {
            return Err(BadHash::None);
        }
        let broken = |(algorithm, value): &(&String, &String)| {
            length(algorithm).is_some_and(|length| value.len() != length) || !is_hex(value)
        };
        match hashes.iter().find(broken) {
            Some((algorithm, _)) => Err(BadHash::Form(algorithm.clone())),
            None => Ok(Self(hashes)),
        }
    }
}

/// The state of a check of hashes over a stream.
#[derive(Debug, Clone)]
pub(crate) struct HashChecker {
    sha256: Option<(Sha256, String)>,
    sha512: Option<(Sha512, String)>,
}

impl HashChecker {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some((hasher, _)) = &mut self.sha256 {
            hasher.update(bytes);
        }
        if let Some((hasher, _)) = &mut self.sha512 {
            hasher.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Result<(), BadHash> {
        if self
            .sha256
            .is_some_and(|(hasher, expected)| hex(&hasher.finalize()) != expected)
        {
            return Err(BadHash::Differs("sha256"));
        }
        if self
            .sha512
            .is_some_and(|(hasher, expected)| hex(&hasher.finalize()) != expected)
        {
            return Err(BadHash::Differs("sha512"));
        }
        Ok(())
    }
}

/// The sha256 of the bytes as lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex of either case as bytes, or nothing if it is not hex.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// Whether the text is lower-case hex digits only.
pub(crate) fn is_hex(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The number of hex digits of an algorithm that can be checked here.
fn length(algorithm: &str) -> Option<usize> {
    match algorithm {
        "sha256" => Some(64),
        "sha512" => Some(128),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(json: &str) -> serde_json::Result<Hashes> {
        serde_json::from_str(json)
    }

    #[test]
    fn all_hashes_given_are_checked() {
        let (right, wrong) = (hex(&Sha512::digest(b"a")), hex(&Sha512::digest(b"b")));
        let sha256 = sha256_hex(b"a");
        let both =
            |sha512| hashes(&format!(r#"{{"sha256":"{sha256}","sha512":"{sha512}"}}"#)).unwrap();
        assert_eq!(both(right).check(b"a"), Ok(()));
        assert_eq!(both(wrong).check(b"a"), Err(BadHash::Differs("sha512")));
        assert_eq!(
            Hashes::of(b"a").check(b"b"),
            Err(BadHash::Differs("sha256"))
        );
    }

    #[test]
    fn an_unknown_algorithm_is_refused_even_beside_a_known_one() {
        let sha256 = sha256_hex(b"a");
        let hashes = hashes(&format!(r#"{{"sha256":"{sha256}","md5":"00"}}"#)).unwrap();
        assert_eq!(
            hashes.check(b"a"),
            Err(BadHash::UnknownAlgorithm("md5".to_owned()))
        );
    }

    #[test]
    fn hashes_of_a_wrong_form_are_refused() {
        for json in [
            "{}",
            r#"{"sha256":""}"#,
            r#"{"sha256":"00"}"#,
            r#"{"md5":"XY"}"#,
        ] {
            assert!(hashes(json).is_err(), "{json} was accepted");
        }
        let upper = Hashes::of(b"a").sha256().unwrap().to_uppercase();
        assert!(hashes(&format!(r#"{{"sha256":"{upper}"}}"#)).is_err());
    }

    #[test]
    fn hex_comes_back() {
        assert_eq!(from_hex("00fFa0"), Some(vec![0, 255, 160]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
        assert_eq!(from_hex(""), Some(vec![]));
    }
}
