//! The client workflow (specification, section 5), over a remote repository and a local store that the caller brings.

use crate::error::{Error, Fault};
use crate::limits::Limits;
use crate::name::TargetPath;
use crate::role::root::Root;
use crate::target::Target;
use crate::trusted::TrustedMetadata;
use crate::verify::Verified;

/// Where the repository's metadata comes from.
pub trait Remote {
    /// Why a fetch failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Fetches a file of the metadata folder, such as `3.root.json`; role names in it are percent-encoded already.
    /// `None` if the repository does not have it (404), an error if that could not be found out.
    /// Stops reading after `limit` bytes and one more: longer content is refused by the caller.
    fn fetch(&mut self, file: &str, limit: u64) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Where trusted metadata is kept between runs, byte for byte.
pub trait Local {
    /// Why the store failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Loads a file, such as `root.json`. `None` if there is none.
    fn load(&mut self, file: &str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Keeps a file: after a crash there is the old content or the new one, never a mixture.
    fn store(&mut self, file: &str, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Removes a file; not having it is no error.
    fn remove(&mut self, file: &str) -> Result<(), Self::Error>;
}

/// Why a client cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<R: std::error::Error + 'static, L: std::error::Error + 'static> {
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
        /// The file that was to be loaded or stored.
        file: String,
        /// What the store says.
        #[source]
        source: L,
    },
}

impl<R: std::error::Error + 'static, L: std::error::Error + 'static> ClientError<R, L> {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Metadata(error) => error.fault(),
            Self::Network { .. } => Fault::Network,
            Self::LocalStore { .. } => Fault::LocalStore,
        }
    }
}

/// The result of a step of a client over these two.
type Outcome<T, R, L> = Result<T, ClientError<<R as Remote>::Error, <L as Local>::Error>>;

/// A client of one repository.
#[derive(Debug)]
pub struct Client<R, L> {
    remote: R,
    local: L,
    limits: Limits,
}

impl<R: Remote, L: Local> Client<R, L> {
    /// A client that starts from the stored root, or from the trust anchor where none is stored.
    pub fn new(remote: R, local: L, trust_anchor: &[u8], limits: Limits) -> Outcome<Self, R, L> {
        todo!()
    }
    /// Brings the top-level roles up to date.
    pub fn refresh(&mut self, now: jiff::Timestamp) -> Outcome<&TrustedMetadata, R, L> {
        todo!()
    }
    /// Looks for a target through the delegations, as of the last refresh.
    pub fn find_target(&mut self, path: &TargetPath) -> Outcome<Option<Target>, R, L> {
        todo!()
    }
    /// The root trusted at present.
    pub fn root(&self) -> &Verified<Root> {
        todo!()
    }
    /// What the last refresh trusted, if it succeeded.
    pub fn trusted(&self) -> Option<&TrustedMetadata> {
        todo!()
    }
    /// The remote, for a caller that fetches targets through it too.
    pub fn remote(&mut self) -> &mut R {
        &mut self.remote
    }
}
