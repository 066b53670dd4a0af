//! Names of boards, models and payloads, parsed once at the edge. They are short and plain, so that none of them can
//! leave a folder, hide in a log line, or need escaping in a URL.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no name of a {kind}: it takes 1 to 32 of a-z, 0-9 and '-', and does not begin with '-'"
)]
pub struct NameError {
    kind: &'static str,
    name: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                if is_name(&name) { Ok(Self(name)) } else { Err(NameError { kind: $kind, name }) }
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name!(
    /// The electronics a firmware is built for: `virt-aarch64`.
    Board,
    "board"
);
name!(
    /// A printer model as it is sold; several may share a board.
    Model,
    "model"
);
name!(
    /// One image of a bundle: `root`. Its entry in the tar is this name with `.zst` after it.
    PayloadName,
    "payload"
);

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=32).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass() {
        for name in ["a", "0", "virt-aarch64", "a-", &"x".repeat(32)] {
            assert_eq!(name.parse::<Board>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for name in [
            "",
            "-a",
            "A",
            "a.b",
            "a/b",
            "..",
            "a b",
            "a\n",
            "ä",
            "a\0",
            &"x".repeat(33),
        ] {
            assert!(name.parse::<PayloadName>().is_err(), "{name:?}");
            assert!(
                serde_json::from_value::<Model>(name.into()).is_err(),
                "{name:?}"
            );
        }
    }
}
