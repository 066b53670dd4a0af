//! What can go wrong, and whose fault it is.

use std::io;

/// Why a bundle was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source failed: try again.
    #[error("the bundle could not be read")]
    Read(#[source] io::Error),
}

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output failed.
    #[error("the bundle could not be written")]
    Write(#[source] io::Error),
}
