//! Names of boards, models, payloads and whatever else has a short name, parsed once at the edge. They are plain, so
//! that none of them can leave a folder, hide in a log line, or need escaping in a URL.

/// Text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no name of a {kind}: it takes 1 to 32 of a-z, 0-9 and '-', and does not begin with '-'"
)]
pub struct NameError {
    kind: &'static str,
    name: String,
}

/// The name, if it is one: `[a-z0-9][a-z0-9-]{0,31}`. `kind` says in the error what it should have been the name of.
pub fn check_name(kind: &'static str, name: String) -> Result<String, NameError> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let fits = (1..=32).contains(&name.len());
    if fits && !name.starts_with('-') && name.bytes().all(plain) {
        Ok(name)
    } else {
        Err(NameError { kind, name })
    }
}

/// Makes a type for the names of one kind, always valid: text comes in through [`check_name`] alone.
/// The crate that uses it needs `serde`.
#[macro_export]
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::NameError;

            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::NameError> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::NameError;

            fn try_from(name: String) -> ::std::result::Result<Self, $crate::NameError> {
                $crate::check_name($kind, name).map(Self)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.0, f)
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
