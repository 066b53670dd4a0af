//! Why a client cannot go on: the crate's own errors, and those of the network and of the local store.

use std::error::Error as StdError;

use crate::error::{Error, Fault};

/// The error of a [`crate::Client`] whose remote fails with `R` and whose local store fails with `L`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<R: StdError + 'static, L: StdError + 'static> {
    /// The repository's metadata, or the caller's input, is not acceptable.
    #[error(transparent)]
    Metadata(#[from] Error),
    /// A fetch failed for a reason other than that the file is not there.
    #[error("the network failed to bring {file}")]
    Network {
        /// The file that was asked for.
        file: String,
        /// What the remote says.
        #[source]
        source: R,
    },
    /// The local store failed.
    #[error("the local store failed on {file}")]
    LocalStore {
        /// The file that was to be loaded, stored or removed.
        file: String,
        /// What the store says.
        #[source]
        source: L,
    },
}

impl<R: StdError + 'static, L: StdError + 'static> ClientError<R, L> {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Metadata(error) => error.fault(),
            Self::Network { .. } => Fault::Network,
            Self::LocalStore { .. } => Fault::LocalStore,
        }
    }
}
