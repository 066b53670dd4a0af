//! The name of a commit, as git gives it. Says where a release came from; printers decide nothing by it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A commit's whole name: 40 hexadecimal digits of SHA-1, or 64 of SHA-256, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

/// A text that names no commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a commit has 40 or 64 lower-case hexadecimal digits, and {0:?} has not")]
pub struct NoCommit(String);

impl Commit {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Commit {
    type Error = NoCommit;

    fn try_from(text: String) -> Result<Self, NoCommit> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if [40, 64].contains(&text.len()) && text.bytes().all(digit) {
            Ok(Self(text))
        } else {
            Err(NoCommit(text.chars().take(64).collect()))
        }
    }
}

impl FromStr for Commit {
    type Err = NoCommit;

    fn from_str(text: &str) -> Result<Self, NoCommit> {
        text.to_owned().try_into()
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_its_whole_name_in_lower_case() {
        for good in ["0a".repeat(20), "0a".repeat(32)] {
            assert_eq!(good.parse::<Commit>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "HEAD",
            &"0a".repeat(19),
            &"0A".repeat(20),
            &"0g".repeat(20),
        ] {
            assert!(bad.parse::<Commit>().is_err(), "{bad}");
        }
    }
}
