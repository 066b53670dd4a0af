//! LAN mode, over TLS only.
//!
//! Nothing here listens by itself: a service is given a bound socket and a token that ends it, and when it has
//! returned no task of it is left. It knows nothing of what the printer's messages mean.

#![forbid(unsafe_code)]

pub mod access;
pub mod admission;
pub mod discovery;
pub mod ftps;
mod identity;
mod limits;
pub mod mqtt;
mod service;
mod source;
mod tls;

pub use identity::{Fingerprint, Identity, IdentityError};
pub use service::Service;
pub use tls::{Tls, TlsError};
