//! Where private keys live, and who signs what.
//!
//! Only the maintainers' commands use this crate: firmware must never link it. A secret lives in a type that shows
//! nothing of itself in `Debug` and is wiped when it is dropped.

mod development;
mod error;
mod lock;
mod name;
mod passphrase;
mod pem;
mod roles;
mod signer;
mod source;

pub use development::{DEVELOPMENT_PASSPHRASE, generate_development_keys};
pub use error::{Error, Result};
pub use lock::LockedKeys;
pub use name::KeyName;
pub use passphrase::Passphrase;
pub use roles::{DelegationConfig, RoleConfig, RolesConfig};
pub use signer::Signer;
pub use source::{KeyDirectory, KeyEnvironment, KeySource};
