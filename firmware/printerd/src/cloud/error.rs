//! Why a connection to the cloud ended.

use std::io;

use super::{session::TooManyUnreleased, wire::WireError};

/// Why a connection to the broker ended, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nobody is there.
    #[error("the broker cannot be reached: {0}")]
    Connect(#[source] io::Error),
    /// Whoever is there does not speak TLS, or is not the broker.
    #[error("the broker was not believed: {0}")]
    Tls(#[source] io::Error),
    /// The line broke.
    #[error("the connection broke: {0}")]
    Line(#[source] io::Error),
    /// The broker hung up without a word.
    #[error("the broker closed the connection")]
    Closed,
    /// The broker took too long.
    #[error("the broker took too long to {0}")]
    Slow(&'static str),
    /// The broker does not want this printer.
    #[error("the broker refused the printer: {0}")]
    Refused(String),
    /// The broker ended the connection, and said why.
    #[error("the broker ended the connection: {0}")]
    Goodbye(String),
    /// The broker does not let the printer read its commands.
    #[error("the broker does not let the printer read its own commands")]
    NotGranted,
    /// The broker cannot do what keeps commands from being lost or doubled.
    #[error("the broker does not deliver messages exactly once")]
    NotExactlyOnce,
    /// The broker broke the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The broker broke the protocol.
    #[error(transparent)]
    Session(#[from] TooManyUnreleased),
    /// The broker answered a question that nobody asked, or not the one that was asked.
    #[error("the broker broke the protocol: {0}")]
    Protocol(&'static str),
}

impl LinkError {
    /// Whether the session would bring the same end again: it begins anew then.
    pub(super) fn condemns_session(&self) -> bool {
        matches!(
            self,
            Self::Wire(_) | Self::Session(_) | Self::Protocol(_) | Self::NotExactlyOnce
        )
    }
}
