//! Why a refresh brought nothing: each says whose fault it is.

use std::io;

use firstlayer_metadata::{ClientError, Fault, RoleName, TargetPath};
use firstlayer_policy::PolicyError;

use super::SourceError;

/// Why the rules of the repository were not taken. What was in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The metadata, the network, or the folder where it is kept.
    #[error("the metadata is not accepted")]
    Metadata(#[source] Box<ClientError<SourceError, io::Error>>),
    /// A document that somebody else signed than whoever may.
    #[error("the repository's {document} is signed by the role {role}, and must be by {wanted}")]
    WrongRole {
        /// The document.
        document: TargetPath,
        /// Who signed it.
        role: RoleName,
        /// Who has to.
        wanted: String,
    },
    /// A document that is there no more.
    #[error("the repository's {document} is gone; to withdraw what it says is to publish it empty")]
    Gone {
        /// The document.
        document: String,
    },
    /// A document that is signed for, and not there.
    #[error("the repository signs for {document} and does not have it")]
    Missing {
        /// The document.
        document: TargetPath,
    },
    /// A document that is longer than any may be.
    #[error("the repository's {document} is longer than the {limit} bytes allowed")]
    TooLong {
        /// The document.
        document: TargetPath,
        /// Bytes.
        limit: u64,
    },
    /// A document's bytes are not those that are signed for.
    #[error("the repository's {document} is not what is signed")]
    Changed {
        /// The document.
        document: TargetPath,
        /// How it differs.
        #[source]
        source: Box<firstlayer_metadata::Error>,
    },
    /// What a signed document says.
    #[error("the repository's {document} is refused")]
    Document {
        /// The document.
        document: String,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// A document could not be fetched.
    #[error("{document} could not be fetched")]
    Fetch {
        /// The document.
        document: TargetPath,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// What was accepted could not be kept for the next start.
    #[error("what was accepted could not be kept on the disk of the gate")]
    Keep(#[source] io::Error),
}

impl RefreshError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Metadata(error) => error.fault(),
            Self::Fetch { .. } => Fault::Network,
            Self::Keep(_) => Fault::LocalStore,
            _ => Fault::Repository,
        }
    }

    /// The same as a word, for metrics.
    pub fn kind(&self) -> &'static str {
        match self.fault() {
            Fault::Network => "unreachable",
            Fault::LocalStore => "disk",
            Fault::Caller => "configuration",
            _ => "refused",
        }
    }
}

impl From<ClientError<SourceError, io::Error>> for RefreshError {
    fn from(error: ClientError<SourceError, io::Error>) -> Self {
        Self::Metadata(Box::new(error))
    }
}
