//! TUF 1.0 metadata (The Update Framework), verified and authored: bytes and a time in, trusted values
//! or an error that says who is at fault out.
//!
//! The crate opens no file and no socket and reads no clock: the caller fetches and stores through the
//! [`Remote`] and [`Local`] traits and passes the time in. Nothing is parsed as a role before a threshold
//! of signatures over its bytes holds, and a [`Verified`] value comes from that check alone.
//!
//! - A client: [`Client`] (workflow over the two traits) on [`TrustedMetadata`] (the pure state).
//! - An author: [`author::Draft`], which collects detached signatures until the thresholds are met.
//!
//! Source: The Update Framework Specification 1.0.31, and TAP 15 for succinct hash-bin roles.

mod canonical;
mod client;
mod error;
mod expires;
mod hash;
mod json;
mod key;
mod limits;
mod name;
mod path;
mod raw;
mod role;
mod target;
mod trusted;
mod verify;

pub mod author;
#[doc(hidden)]
pub mod fuzzing;

pub use canonical::canonical_json;
pub use client::{Client, ClientError, Local, Remote, TRUST_ANCHOR};
pub use error::{Error, Fault, Result};
pub use expires::{BadTime, Expires};
pub use hash::{BadHash, Hashes};
pub use key::{DEVELOPMENT, KeyId, PublicKey};
pub use limits::Limits;
pub use name::{RoleName, TargetPath};
pub use path::PathPattern;
pub use raw::{Sign, SignError, Signature};
pub use role::delegations::{
    BadDelegations, DelegatedPaths, DelegatedRole, DelegatedRoles, Delegations, SuccinctRoles,
};
pub use role::root::{Root, RootRoles};
pub use role::snapshot::Snapshot;
pub use role::targets::{TargetFile, Targets};
pub use role::timestamp::Timestamp;
pub use role::{BadRoleKeys, MetaFile, Role, RoleKeys};
pub use target::{Target, TargetVerifier, VerifiedTarget};
pub use trusted::TrustedMetadata;
pub use verify::Verified;
