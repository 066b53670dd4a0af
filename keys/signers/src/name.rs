//! The names of keys: also file names and environment variables, so their alphabet is small.

use std::fmt;
use std::str::FromStr;

use firstlayer_metadata::DEVELOPMENT;
use serde::Deserialize;

use crate::Error;

/// A key's name: 1 to 64 of `a-z`, `0-9` and `-`, the first one not `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this names a throwaway key that production never accepts.
    pub fn is_development(&self) -> bool {
        self.0.starts_with(DEVELOPMENT)
    }

    /// The development key that stands in for this one.
    #[must_use]
    pub fn for_development(&self) -> Self {
        match self.is_development() {
            true => self.clone(),
            false => Self(format!("{DEVELOPMENT}-{}", self.0)),
        }
    }

    /// The environment variable that may hold this key: `FIRSTLAYER_KEY_STABLE_1` for `stable-1`.
    pub fn variable(&self) -> String {
        format!(
            "FIRSTLAYER_KEY_{}",
            self.0.to_ascii_uppercase().replace('-', "_")
        )
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let letters = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match letters && !text.starts_with('-') && (1..=64).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::KeyName {
                name: text.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for KeyName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use firstlayer_metadata::PublicKey;

    use super::*;

    #[test]
    fn names_that_would_leave_the_folder_or_the_variable_are_refused() {
        for bad in [
            "",
            "-a",
            "../root",
            "a/b",
            "Root",
            "a_b",
            "a.b",
            "a b",
            "ä",
            &"a".repeat(65),
        ] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn whoever_reads_the_metadata_agrees_which_names_are_for_development() {
        for text in [
            "development-stable-1",
            "developmentx-1",
            "stable-1",
            "root-development",
        ] {
            let name: KeyName = text.parse().unwrap();
            let point = SigningKey::from_bytes(&[7; 32]).verifying_key();
            let key = PublicKey::ed25519(point.as_bytes(), Some(text));
            assert_eq!(
                name.is_development(),
                key.unwrap().is_development(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_development_name_says_so_and_is_not_prefixed_twice() {
        let name: KeyName = "stable-1".parse().unwrap();
        let stand_in = name.for_development();
        assert_eq!(stand_in.as_str(), "development-stable-1");
        assert_eq!(stand_in.for_development(), stand_in);
        assert!(stand_in.is_development() && !name.is_development());
        assert_eq!(name.variable(), "FIRSTLAYER_KEY_STABLE_1");
    }
}
