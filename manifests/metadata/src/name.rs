//! Names from metadata as types, checked once: a role name never becomes a path, a target path never leaves its folder.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A role's name is at most this long, so that its percent-encoded form fits a file name of 255 bytes.
const LONGEST_ROLE_NAME: usize = 80;

/// The roles that root names; a delegated role may not bear one of these names.
const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// The name of a role: 1 to 80 bytes of any UTF-8. It reaches URLs and files only through [`RoleName::encoded`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

impl RoleName {
    /// The name as the metadata has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name percent-encoded but for letters, digits and `-._~`: one segment of a URL, one file name.
    pub fn encoded(&self) -> String {
        percent_encoded(&self.0)
    }

    /// Whether root itself names this role.
    pub fn is_top_level(&self) -> bool {
        TOP_LEVEL.contains(&self.as_str())
    }

    /// The file of this role in a local store: `stable.json`.
    pub fn local_file(&self) -> String {
        format!("{}.json", self.encoded())
    }

    /// The file of this role in a repository with consistent snapshots: `3.stable.json`.
    pub fn versioned_file(&self, version: u64) -> String {
        format!("{version}.{}.json", self.encoded())
    }

    /// For the names that this crate itself writes down.
    pub(crate) fn fixed(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl FromStr for RoleName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > LONGEST_ROLE_NAME {
            return Err(Error::RoleName {
                name: name.to_owned(),
            });
        }
        Ok(Self(name.to_owned()))
    }
}

impl TryFrom<String> for RoleName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> Self {
        name.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for RoleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The path of a target: relative, `/` between its parts, no part empty, `.` or `..`,
/// no backslash and no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetPath(String);

impl TargetPath {
    /// The path as the metadata has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path has one part only, as every target that we author.
    pub fn is_flat(&self) -> bool {
        !self.0.contains('/')
    }

    /// The path as one file name, percent-encoded: no folder, no link in one, and no way out.
    pub fn encoded(&self) -> String {
        percent_encoded(&self.0)
    }

    /// The path with a hash before its last part, as repositories with consistent snapshots store it.
    pub(crate) fn with_prefix(&self, hash: &str) -> String {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/{hash}.{name}"),
            None => format!("{hash}.{}", self.0),
        }
    }
}

impl FromStr for TargetPath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        let safe_part = |part: &str| !matches!(part, "" | "." | "..");
        let unsafe_character = |character: char| character == '\\' || character.is_control();
        if path.contains(unsafe_character) || !path.split('/').all(safe_part) {
            return Err(Error::TargetPath {
                path: path.to_owned(),
            });
        }
        Ok(Self(path.to_owned()))
    }
}

impl TryFrom<String> for TargetPath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        path.parse()
    }
}

impl From<TargetPath> for String {
    fn from(path: TargetPath) -> Self {
        path.0
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// RFC 3986: everything but the unreserved characters becomes `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    encoded.push(char::from(byte))
                }
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
            encoded
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_names_become_one_file_name_whatever_they_hold() {
        for (name, file) in [
            ("stable", "stable.json"),
            ("../delegatedrole", "..%2Fdelegatedrole.json"),
            ("/etc/passwd", "%2Fetc%2Fpasswd.json"),
            ("a b?#\\", "a%20b%3F%23%5C.json"),
            ("é", "%C3%A9.json"),
        ] {
            assert_eq!(name.parse::<RoleName>().unwrap().local_file(), file);
        }
    }

    #[test]
    fn role_names_that_no_file_name_holds_are_refused() {
        assert!("".parse::<RoleName>().is_err());
        assert!(
            "/".repeat(80)
                .parse::<RoleName>()
                .unwrap()
                .local_file()
                .len()
                <= 255
        );
        assert!("/".repeat(81).parse::<RoleName>().is_err());
    }

    #[test]
    fn target_paths_that_leave_the_folder_are_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "a\0b",
            "a\nb",
        ] {
            assert!(path.parse::<TargetPath>().is_err(), "{path:?} was accepted");
        }
        for path in ["a", "a/b", "..a", "a..b/c", "a b", "%2e%2e"] {
            assert!(path.parse::<TargetPath>().is_ok(), "{path:?} was refused");
        }
    }

    #[test]
    fn the_hash_goes_before_the_last_part() {
        assert_eq!(
            "a/b.txt".parse::<TargetPath>().unwrap().with_prefix("00"),
            "a/00.b.txt"
        );
        assert_eq!(
            "b.txt".parse::<TargetPath>().unwrap().with_prefix("00"),
            "00.b.txt"
        );
    }
}
