//! What can be wrong with keys and roles; each text says whose fault it is.

use std::io;
use std::path::PathBuf;

use crate::KeyName;

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name outside the alphabet of key names.
    #[error("key name {name:?} is refused: use 1 to 64 of a-z, 0-9 and -, not beginning with -")]
    KeyName {
        /// The text that was given.
        name: String,
    },
    /// The roles file does not parse, or has a key that is not known.
    #[error("the roles file {file} cannot be read as one")]
    RolesSyntax {
        /// The file as the caller named it.
        file: String,
        /// What the parser says, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The roles file parses, but a value in it cannot be.
    #[error("the roles file {file} is wrong at {key}: {problem}")]
    Roles {
        /// The file as the caller named it.
        file: String,
        /// The key at fault, dotted.
        key: String,
        /// What is wrong, and what is accepted.
        problem: String,
    },
    /// A file of a key could not be read or written.
    #[error("the key file {path} could not be {attempt}")]
    File {
        /// Which file.
        path: PathBuf,
        /// "read", "written".
        attempt: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A private key file that others may read.
    #[error(
        "the key file {path} has mode {mode:o}: only its owner may have access, so run `chmod 600` on it"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key is there, but no passphrase was given.
    #[error("the key {name} is encrypted and no passphrase was given: set FIRSTLAYER_PASSPHRASE")]
    NoPassphrase {
        /// Which key.
        name: KeyName,
    },
    /// A key that cannot be decrypted, or is no ed25519 key.
    #[error(
        "the key {name} cannot be unlocked: a wrong passphrase, or no encrypted PKCS#8 ed25519 key in PEM"
    )]
    Locked {
        /// Which key.
        name: KeyName,
        /// What the decoder says.
        #[source]
        source: pkcs8::Error,
    },
    /// A key whose key derivation asks for more memory or time than is sane.
    #[error(
        "the key {name} asks for scrypt at a cost of {cost} bytes, more than the {limit} that are accepted"
    )]
    Cost {
        /// Which key.
        name: KeyName,
        /// Memory times parallelism, in bytes.
        cost: u64,
        /// The most that is accepted.
        limit: u64,
    },
    /// A public key file that is none.
    #[error("the public key {name} is no ed25519 key in PEM")]
    Public {
        /// Which key.
        name: KeyName,
    },
    /// A public and a private half that do not belong together.
    #[error(
        "the key {name} does not match its public half beside it: one of the two files was replaced"
    )]
    Mismatch {
        /// Which key.
        name: KeyName,
    },
    /// A key that is neither in the environment nor in the folder.
    #[error("the key {name} is missing: neither {variable} nor {path} is there")]
    Missing {
        /// Which key.
        name: KeyName,
        /// The variable that was looked at.
        variable: String,
        /// The file that was looked at.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a new key")]
    Random,
    /// Encrypting or encoding failed.
    #[error("the key {name} could not be encoded")]
    Encode {
        /// Which key.
        name: KeyName,
        /// What the encoder says.
        #[source]
        source: pkcs8::Error,
    },
}
