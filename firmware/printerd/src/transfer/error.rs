//! Why a file could not be brought, in sentences that an owner can act on and that hold no secret of its URL.

use std::{error::Error, io, time::Duration};

use firstlayer_card::CardError;

use crate::redact;

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Nobody answered, or the line broke.
    #[error("the server could not be reached, or the connection broke: {0}")]
    Connection(String),
    /// Whoever answered is not believed.
    #[error("the server's certificate is not believed: {0}")]
    Certificate(String),
    /// Nothing came, or next to nothing.
    #[error("the server sends nothing")]
    Stalled,
    /// The file ended before its end.
    #[error("the file broke off after {have} bytes")]
    BrokeOff {
        /// What came.
        have: u64,
    },
    /// It was redirected where no file is fetched from.
    #[error("the server redirects to http, which is clear text, or redirects too often")]
    Redirect,
    /// The server has too much to do, or an accident.
    #[error("the server is busy or failed (status {status})")]
    Busy {
        /// Its status.
        status: u16,
        /// When it asks to come again.
        retry_after: Option<Duration>,
    },
    /// A presigned link that is no longer valid.
    #[error("the link has expired: ask for a new one (status {status})")]
    Expired {
        /// Its status.
        status: u16,
    },
    /// A link that is not valid, or was changed.
    #[error("the server refuses the link: it is not valid, or not for this file (status {status})")]
    Refused {
        /// Its status.
        status: u16,
    },
    /// There is no such file.
    #[error("the server has no such file (status {status})")]
    Absent {
        /// Its status.
        status: u16,
    },
    /// The cloud wants newer firmware first.
    #[error("the cloud asks for a firmware update first{0}")]
    UpdateRequired(String),
    /// Another status.
    #[error("the server answered with status {status}")]
    Status {
        /// Its status.
        status: u16,
    },
    /// The server broke the protocol.
    #[error("the server's answer cannot be used: {0}")]
    Protocol(&'static str),
    /// The file is larger than the card takes.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The file is not the one that the command means.
    #[error("the file's MD5 is not the one that the command names")]
    Md5,
    /// The card did not take it.
    #[error("the card did not take the file: {0}")]
    Card(#[source] CardError),
    /// It was stopped.
    #[error("the download was stopped")]
    Stopped,
}

impl TransferError {
    /// Whether the same request may succeed a little later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connection(_) | Self::Stalled | Self::BrokeOff { .. } | Self::Busy { .. }
        )
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<CardError> for TransferError {
    fn from(error: CardError) -> Self {
        match error {
            CardError::TooLarge { limit } => Self::TooLarge { limit },
            error => Self::Card(error),
        }
    }
}

impl From<reqwest::Error> for TransferError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_redirect() {
            return Self::Redirect;
        }
        if error.is_timeout() {
            return Self::Stalled;
        }
        // The URL may be a redirect's target, and as secret as the first.
        let error = error.without_url();
        let (cause, certificate) = last_cause(&error);
        // None of the causes repeats it; whatever a server put into them is redacted all the same.
        let cause = redact::text(&cause);
        if certificate {
            Self::Certificate(cause)
        } else {
            Self::Connection(cause)
        }
    }
}

/// The last cause, and whether it is that a certificate was not believed.
fn last_cause(error: &(dyn Error + 'static)) -> (String, bool) {
    let mut cause = error;
    loop {
        if let Some(tls) = rustls_error(cause) {
            let certificate = matches!(tls, rustls::Error::InvalidCertificate(_));
            return (tls.to_string(), certificate);
        }
        match cause.source() {
            Some(source) => cause = source,
            None => return (cause.to_string(), false),
        }
    }
}

/// An IO error names as its source not the error in it, but that one's source; and they may lie in each other.
fn rustls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(error) = cause.downcast_ref::<io::Error>() {
        cause = error.get_ref()?;
    }
    cause.downcast_ref()
}
