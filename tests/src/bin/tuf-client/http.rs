//! Fetching over plain HTTP: the signatures carry the trust, not the connection.

use std::io::{self, Read};

use anyhow::{Context, Result};
use firstlayer_metadata::Remote;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};

/// One folder of a web server.
#[derive(Debug)]
pub(crate) struct Http {
    base: String,
    client: Client,
}

/// Why a request brought neither the file nor the word that it is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the request for {url} failed")]
    Request {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the server answers the request for {url} with {status}")]
    Status { url: String, status: StatusCode },
    #[error("the answer to the request for {url} broke off")]
    Body {
        url: String,
        #[source]
        source: io::Error,
    },
}

impl Http {
    pub(crate) fn new(base: &str) -> Result<Self> {
        // The TLS side of the HTTP client wants a configuration even where only plain HTTP is spoken.
        let provider = rustls::crypto::ring::default_provider();
        let tls = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .build();
        let client = client.context("making an HTTP client")?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client,
        })
    }

    /// Opens a file whose path is percent-encoded already. `None` if the server does not have it.
    pub(crate) fn open(&self, path: &str) -> Result<Option<Response>, HttpError> {
        let url = self.url(path);
        let response = match self.client.get(&url).send() {
            Ok(response) => response,
            Err(source) => return Err(HttpError::Request { url, source }),
        };
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(response)),
            status => Err(HttpError::Status { url, status }),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

impl Remote for Http {
    type Error = HttpError;

    fn fetch(&mut self, file: &str, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let Some(response) = self.open(file)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = response
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes);
        let broke_off = |source| HttpError::Body {
            url: self.url(file),
            source,
        };
        read.map_err(broke_off)?;
        Ok(Some(bytes))
    }
}

/// No repository at all, for as long as nothing may be fetched.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Remote for Nowhere {
    type Error = std::convert::Infallible;

    fn fetch(&mut self, _file: &str, _limit: u64) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }
}
