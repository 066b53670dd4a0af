//! One error for the whole crate; every variant says whose fault it is.

use crate::expires::Expires;
use crate::hash::BadHash;
use crate::key::KeyId;
use crate::name::{RoleName, TargetPath};

/// The result of everything here that bytes from outside can make fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act for an error to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Whoever publishes the repository, or someone between it and us.
    Repository,
    /// The place where trusted metadata is kept.
    LocalStore,
    /// The connection to the repository.
    Network,
    /// The program that calls this crate, with the names, keys or order of calls that it chose.
    Caller,
}

/// Why metadata, or a target, is not trusted; or why authored metadata cannot be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A role name that no file name can hold.
    #[error("the role name {name:?} is empty or longer than 80 bytes")]
    RoleName {
        /// The name as given.
        name: String,
    },
    /// A target path that is absolute, leaves its folder, or holds characters that could.
    #[error("the target path {path:?} is not a plain relative path")]
    TargetPath {
        /// The path as given.
        path: String,
    },
    /// The caller's trust anchor is not a root that its own keys sign.
    #[error("the trust anchor given by the caller is not a valid root")]
    TrustAnchor(#[source] Box<Error>),
    /// The caller asked for a role before the one that vouches for it.
    #[error("the caller asked for {role} before {needs} was trusted")]
    OutOfOrder {
        /// The role asked for.
        role: RoleName,
        /// The role that has to come first.
        needs: RoleName,
    },
    /// The bytes are not one JSON object of the form that TUF gives to the role.
    #[error("the repository's {role} is not well-formed metadata")]
    Malformed {
        /// The role that was asked for.
        role: RoleName,
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// A file that a role refers to is not there.
    #[error("the repository has no file {file}")]
    Missing {
        /// The file's name in the repository.
        file: String,
    },
    /// More bytes than the limit, or than the signed length.
    #[error("the repository's {file} is longer than the {limit} bytes allowed")]
    TooLong {
        /// The file's or role's name.
        file: String,
        /// The bytes allowed.
        limit: u64,
    },
    /// Fewer bytes than the signed length.
    #[error("the repository's {file} has {found} bytes where {expected} are signed for")]
    WrongLength {
        /// The file's or role's name.
        file: String,
        /// The signed length in bytes.
        expected: u64,
        /// The length found in bytes.
        found: u64,
    },
    /// A hash that differs, or that cannot be checked.
    #[error("the repository's {file} fails its signed hashes")]
    Hash {
        /// The file's or role's name.
        file: String,
        /// Which hash, and how.
        #[source]
        source: BadHash,
    },
    /// Two signatures under one keyid.
    #[error("the repository's {role} carries two signatures of key {keyid}")]
    DuplicateSignature {
        /// The role signed.
        role: RoleName,
        /// The keyid that appears twice.
        keyid: KeyId,
    },
    /// Too few valid signatures of distinct authorised keys.
    #[error(
        "the repository's {role} has {have} of the {need} valid signatures that {authority} asks for"
    )]
    Threshold {
        /// The role signed.
        role: RoleName,
        /// The role that names the keys and the threshold.
        authority: String,
        /// Distinct keys with a valid signature.
        have: usize,
        /// The threshold.
        need: u64,
    },
    /// A validly signed file of one type in place of another.
    #[error("the repository's {role} is of type {found:?}, not {expected:?}")]
    WrongType {
        /// The role asked for.
        role: RoleName,
        /// The type that the role has.
        expected: &'static str,
        /// The type found.
        found: String,
    },
    /// A major version of the specification that this crate does not know.
    #[error("the repository's {role} follows version {found:?} of the specification, not 1.x")]
    SpecVersion {
        /// The role asked for.
        role: RoleName,
        /// The version found.
        found: String,
    },
    /// A version other than the one that was asked for, or signed for.
    #[error("the repository's {role} has version {found} where {expected} is due")]
    WrongVersion {
        /// The role asked for.
        role: RoleName,
        /// The version due.
        expected: u64,
        /// The version found.
        found: u64,
    },
    /// A version lower than one already trusted.
    #[error("the repository rolls {role} back from version {trusted} to {found}")]
    Rollback {
        /// The role rolled back.
        role: RoleName,
        /// The version trusted so far.
        trusted: u64,
        /// The version found.
        found: u64,
    },
    /// A new snapshot without a role that the trusted one lists.
    #[error("the repository's snapshot no longer lists {role}")]
    Removed {
        /// The role that was listed.
        role: RoleName,
    },
    /// A role that has run out of time.
    #[error("the repository's {role} expired on {expires}")]
    Expired {
        /// The role that expired.
        role: RoleName,
        /// When it expired.
        expires: Expires,
    },
    /// A role that the snapshot does not vouch for.
    #[error("the repository's snapshot does not list {role}")]
    NotInSnapshot {
        /// The role that is lacking.
        role: RoleName,
    },
    /// A role that the delegator does not delegate to.
    #[error("{delegator} does not delegate to {role}")]
    NotDelegated {
        /// The role that was asked for.
        role: RoleName,
        /// The role that should have named it.
        delegator: RoleName,
    },
    /// More delegated roles on the way to a target than the limit.
    #[error("the repository leads through more than {limit} delegations to {path}")]
    TooManyDelegations {
        /// The target looked for.
        path: TargetPath,
        /// The limit.
        limit: usize,
    },
    /// More new roots in one refresh than the limit.
    #[error("the repository offers more than {limit} new roots at once")]
    TooManyRoots {
        /// The limit.
        limit: usize,
    },
    /// Authored metadata that breaks one of the rules which keep independent clients happy.
    #[error("the authored {role} breaks a rule of the format: {rule}")]
    Rule {
        /// The role being authored.
        role: RoleName,
        /// The rule, and what breaks it.
        rule: String,
    },
    /// A signature by a key that the role does not name.
    #[error("the key {keyid} may not sign {role}")]
    UnauthorisedKey {
        /// The role being authored.
        role: RoleName,
        /// The key that signed.
        keyid: KeyId,
    },
    /// A signature that does not verify over the authored bytes.
    #[error("the signature given by key {keyid} does not verify over {role}")]
    BadSignature {
        /// The role being authored.
        role: RoleName,
        /// The key that is said to have signed.
        keyid: KeyId,
    },
    /// Authored metadata that still lacks signatures.
    #[error("the authored {role} has {have} of the {need} signatures that {authority} asks for")]
    Unfinished {
        /// The role being authored.
        role: RoleName,
        /// The role that names the keys and the threshold.
        authority: String,
        /// Distinct keys that have signed.
        have: usize,
        /// The threshold.
        need: u64,
    },
    /// A public key that no algorithm here can use.
    #[error("the public key given is no usable {scheme} key")]
    UnusableKey {
        /// The scheme that the key names.
        scheme: String,
    },
    /// The signer failed.
    #[error("the signer that holds key {keyid} failed")]
    Signer {
        /// The key that should have signed.
        keyid: KeyId,
        /// What the signer says.
        #[source]
        source: crate::raw::SignError,
    },
}

impl Error {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::RoleName { .. }
            | Self::TargetPath { .. }
            | Self::TrustAnchor(_)
            | Self::OutOfOrder { .. }
            | Self::Rule { .. }
            | Self::UnauthorisedKey { .. }
            | Self::BadSignature { .. }
            | Self::Unfinished { .. }
            | Self::UnusableKey { .. }
            | Self::Signer { .. } => Fault::Caller,
            _ => Fault::Repository,
        }
    }
}
