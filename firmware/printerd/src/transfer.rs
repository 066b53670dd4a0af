//! Job files over HTTPS, to the card's `cache/`.
//!
//! A file is asked for with certificate checks, resumed after cuts if the server can say that it is still the same,
//! and found on the card when it came before. It takes its name there when it is whole, and not before.
//!
//! It must never fetch anything in clear text, also not behind a redirect, tell one server the URL of another, show
//! what a presigned URL must not show, or leave a task behind.

mod answer;
mod attempt;
mod error;
mod limits;
mod pace;
mod place;
mod room;

use firstlayer_card::{Card, CardPath};
use jiff::Timestamp;
use reqwest::{Client, redirect};
use rustls::RootCertStore;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    printer::{Download, DownloadFailure, Downloads, Pending},
    redact, tls,
};
use attempt::Attempt;

pub use error::TransferError;
pub use limits::Patience;

/// Brings files to a card.
pub struct Transfer {
    client: Client,
    card: Card,
    patience: Patience,
}

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// HTTP cannot be set up.
    #[error("HTTP cannot be set up")]
    Http(#[from] reqwest::Error),
}

impl Transfer {
    /// Fetches from servers that `roots` vouch for, to `card`. Certificates are judged by no time before `passed`.
    pub fn new(
        card: Card,
        roots: RootCertStore,
        patience: Patience,
        passed: Timestamp,
    ) -> Result<Self, ClientError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(roots, passed)?)
            .https_only(true)
            .redirect(redirect::Policy::custom(follow))
            // Or else whoever is redirected to is told the presigned URL before.
            .referer(false)
            .no_proxy()
            .connect_timeout(patience.stall)
            .read_timeout(patience.stall)
            // Downloads are rare: a connection that is kept for the next one only costs memory.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("printerd/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            card,
            patience,
        })
    }
}

impl Downloads for Transfer {
    fn fetch(
        &self,
        download: Download,
        progress: watch::Sender<u8>,
        stop: CancellationToken,
    ) -> Pending<Result<CardPath, DownloadFailure>> {
        let url = redact::url(download.url.expose());
        let attempt = Attempt {
            client: self.client.clone(),
            card: self.card.clone(),
            patience: self.patience,
            download,
            progress,
            stop,
            kept: None,
            gained: 0,
            beginnings: 0,
            tried_earlier: false,
        };
        Box::pin(async move {
            let result = attempt.run().await;
            match &result {
                Ok(path) => tracing::info!(%url, %path, "a file was brought"),
                Err(error) => tracing::warn!(%url, %error, "a file could not be brought"),
            }
            result.map_err(|error| DownloadFailure(error.to_string()))
        })
    }
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.url().scheme() != "https" {
        return attempt.error("it redirects to clear text");
    }
    if attempt.previous().len() > limits::REDIRECTS {
        return attempt.error("it redirects too often");
    }
    attempt.follow()
}

#[cfg(test)]
mod tests;
