//! The cross-compiling toolchain: what it is made of, and how the machine comes by it.
//! All of it lives under `.firstlayer/toolchain/`; nothing here changes the system.

use std::str::FromStr;

use serde::Serialize;

/// Where the Rust compiler and the targets' standard library come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// rustup where it has or can fetch the targets, else Debian.
    #[default]
    Auto,
    /// The user's rustup toolchain, with its own standard library for the target.
    Rustup,
    /// Debian's `rustc-web`, unpacked beside the checkout, which builds the standard library from source.
    Debian,
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "rustup" => Ok(Self::Rustup),
            "debian" => Ok(Self::Debian),
            _ => Err("accepted are auto, rustup, debian".to_owned()),
        }
    }
}
