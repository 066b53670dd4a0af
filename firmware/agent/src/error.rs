//! What can go wrong with an update, and whose fault it is. None of it stops the printer from printing.

use std::io;

use firstlayer_metadata::RoleName;
use firstlayer_policy::{Channel, PolicyError};
use semver::Version;

use crate::{FetchError, Refused};

/// Who has to act for an error to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The order of commands: nothing is broken.
    Caller,
    /// The connection, or the server behind it.
    Network,
    /// Whoever publishes, or someone between them and the printer.
    Repository,
    /// The printer's own memory: full, or failing.
    Storage,
}

/// Why an update did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The caller asked for what the state does not allow.
    #[error(transparent)]
    State(#[from] Refused),
    /// The printer runs a slot that is not the active one: only a reboot ends that.
    #[error("the printer runs a slot that was given up: reboot before anything else")]
    RebootFirst,
    /// Bytes did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The repository's metadata is not to be trusted.
    #[error("the repository's metadata is refused")]
    Metadata(#[source] firstlayer_metadata::Error),
    /// The trust anchor is not for real printers.
    #[error("the repository is signed with development keys, which this build refuses")]
    DevelopmentKeys,
    /// The channel manifest contradicts itself, or is from the future.
    #[error("the manifest of channel {channel} is refused")]
    Manifest {
        /// The channel.
        channel: Channel,
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// A target that the repository should have.
    #[error("the repository does not have {name}")]
    Absent {
        /// The target.
        name: String,
    },
    /// A target that another role signed: a channel's printers install only what its own role signs.
    #[error("{name} is signed by {role}, and only {channel} may sign it")]
    OtherRole {
        /// The target.
        name: String,
        /// Who signed it.
        role: RoleName,
        /// Who may.
        channel: Channel,
    },
    /// Two signed documents disagree.
    #[error("the repository contradicts itself about {name}: {what}")]
    Contradiction {
        /// The target.
        name: String,
        /// What they disagree about.
        what: &'static str,
    },
    /// What was served is not what was signed.
    #[error("{name} is not what was signed: it was changed on the server or on the way")]
    Changed {
        /// The target.
        name: String,
        /// What gave it away.
        #[source]
        source: Option<firstlayer_bundle::Error>,
    },
    /// The bundle is what was signed, and cannot be used.
    #[error("the bundle of {version} is refused")]
    Bundle {
        /// Its version.
        version: Version,
        /// What is wrong with it.
        #[source]
        source: firstlayer_bundle::Error,
    },
    /// The bundle is for other printers, or another release than the channel says.
    #[error("the bundle of {version} is not for this printer: {what}")]
    Hardware {
        /// Its version.
        version: Version,
        /// What does not fit.
        what: &'static str,
    },
    /// The image is larger than the slot.
    #[error("the image of {version} has {length} bytes, and the slot {capacity}")]
    TooLarge {
        /// Its version.
        version: Version,
        /// Bytes of the image.
        length: u64,
        /// Bytes of the slot.
        capacity: u64,
    },
    /// The slot gives back other bytes than were written.
    #[error("the slot does not read back what was written to it")]
    ReadBack,
    /// The printer's memory failed.
    #[error("the printer could not {what}")]
    Storage {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl AgentError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::State(_) | Self::RebootFirst => Fault::Caller,
            Self::Fetch(FetchError::Medium(_)) | Self::Storage { .. } | Self::ReadBack => {
                Fault::Storage
            }
            Self::Fetch(_) => Fault::Network,
            Self::Metadata(error) => match error.fault() {
                firstlayer_metadata::Fault::LocalStore => Fault::Storage,
                _ => Fault::Repository,
            },
            _ => Fault::Repository,
        }
    }

    /// Whether another try with the same bundle would only fail again. Not so where other bytes came than were
    /// signed: whoever stands between could make a printer forget a good release for good.
    pub(crate) fn condemns_target(&self) -> bool {
        matches!(
            self,
            Self::Bundle { .. } | Self::Hardware { .. } | Self::TooLarge { .. }
        )
    }

    pub(crate) fn storage(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage { what, source }
    }
}
