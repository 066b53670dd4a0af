//! Where bytes come from: one request at a time, with a range and a validator. Absent is not failed.

use std::{error, io, io::Read, ops::Range, time::Duration};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The file, relative to the repository: `metadata/timestamp.json`.
    pub path: &'a str,
    /// Its bytes that are wanted; all if `None`.
    pub range: Option<Range<u64>>,
    /// What an earlier answer said identifies the file (a strong entity tag): the range of another file is useless.
    pub validator: Option<&'a str>,
}

/// What comes.
pub struct Content {
    /// Whether the body is the range that was asked for; a server that ignores ranges sends the whole file.
    pub ranged: bool,
    /// Bytes of the whole file, where the answer tells.
    pub total: Option<u64>,
    /// What identifies the file, where the answer tells.
    pub validator: Option<String>,
    /// The bytes. A read that brings nothing for too long must fail, not wait. An error counts as the connection's
    /// unless it wraps a [`FetchError`].
    pub body: Box<dyn Read>,
}

/// Brings the repository's files.
pub trait Fetch {
    /// Opens a file. `Ok(None)`: the repository certainly does not have it, and asking again is no use.
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError>;
}

/// Why bytes did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The network's fault: worth another try.
    #[error("the connection to the repository failed")]
    Connection(#[source] Box<dyn error::Error + Send + Sync>),
    /// The server's fault, and it says that it will pass: worth another try.
    #[error("the repository's server is out of order for now (status {status})")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// When it asks to be tried again.
        retry_after: Option<Duration>,
    },
    /// The server will not give it.
    #[error("the repository's server refused the request (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The server does not keep to the protocol.
    #[error("the repository's server broke the protocol: {0}")]
    Protocol(String),
    /// The stick or folder that holds the repository cannot be read.
    #[error("the medium with the repository could not be read")]
    Medium(#[source] io::Error),
}

impl FetchError {
    /// Whether another try may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Busy { .. })
    }

    /// What a body says that breaks off: its own error if it wraps one, or else that the connection failed.
    pub(crate) fn broken_off(error: io::Error) -> Self {
        error
            .downcast()
            .unwrap_or_else(|error| Self::Connection(Box::new(error)))
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
