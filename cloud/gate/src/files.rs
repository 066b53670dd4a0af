//! Presigned URLs for model files in any S3-compatible store: short-lived, for one object and one method.
//!
//! The gate signs and never connects: it reads no file, and the secret leaves this module in no form but signatures.

mod offline;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use firstlayer_bundle::Sha256;
use firstlayer_census::Serial;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use reqwest::Url;
use serde::Deserialize;

use crate::limits::OBJECT;
use crate::secret::Secret;
use offline::Offline;

/// The header by which S3 checks what is uploaded.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// The store, and with whose word it is asked.
#[derive(Debug)]
pub struct FileSettings {
    /// Where the store is.
    pub endpoint: Url,
    /// Its region.
    pub region: String,
    /// Its bucket.
    pub bucket: String,
    /// Who signs: everybody may see it.
    pub key_id: String,
    /// The secret beside it.
    pub secret: Secret,
    /// For how long a URL is good.
    pub lifetime: Duration,
}

/// The name of a printer's file: 1 to 128 of letters, digits and `-._`, and no dot first. It needs no escaping, and
/// leads to no other printer's files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ObjectName(String);

/// A text that names no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file's name takes 1 to {OBJECT} of letters, digits, '-', '.' and '_', and does not begin with '.'"
)]
pub struct ObjectNameError;

/// What a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To fetch the object.
    Download,
    /// To put one there.
    Upload {
        /// The hash of its bytes; the store takes no others.
        sha256: Sha256,
    },
}

/// The store's settings make no signature. What the store's library says is not told: it may hold what was to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the settings of the store of files make no signature")]
pub struct Unsigned;

/// A URL, and what has to be sent with it.
#[derive(Debug)]
pub struct Presigned {
    /// The method that it is good for.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The header that belongs to it, if one does.
    pub header: Option<(&'static str, String)>,
}

/// Signs URLs.
#[derive(Debug)]
pub struct Files {
    store: AmazonS3,
    lifetime: Duration,
}

impl Files {
    /// A signer with these settings. Connects to nothing.
    ///
    /// # Errors
    /// Settings that the store's library refuses.
    pub fn new(settings: &FileSettings) -> Result<Self, Unsigned> {
        let store = AmazonS3Builder::new()
            .with_endpoint(settings.endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(settings.endpoint.scheme() == "http")
            .with_region(&settings.region)
            .with_bucket_name(&settings.bucket)
            .with_access_key_id(&settings.key_id)
            .with_secret_access_key(settings.secret.expose())
            .with_virtual_hosted_style_request(false)
            .with_http_connector(Offline)
            .build()
            .map_err(|_| Unsigned)?;
        Ok(Self {
            store,
            lifetime: settings.lifetime,
        })
    }

    /// For how long a URL is good.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A URL for one file of one printer.
    ///
    /// # Errors
    /// It cannot be signed.
    pub async fn url(
        &self,
        serial: &Serial,
        name: &ObjectName,
        purpose: Purpose,
    ) -> Result<Presigned, Unsigned> {
        let path = Path::from_iter([serial.as_str(), name.0.as_str()]);
        let mut options = SignedUrlOptions::default();
        let (method, header) = match purpose {
            Purpose::Download => (Method::GET, None),
            Purpose::Upload { sha256 } => {
                let checksum = BASE64_STANDARD.encode(sha256.as_bytes());
                let value = HeaderValue::from_str(&checksum).map_err(|_| Unsigned)?;
                options = options.with_signed_header(HeaderName::from_static(CHECKSUM), value);
                (Method::PUT, Some((CHECKSUM, checksum)))
            }
        };
        let store = &self.store;
        let signed = store.signed_url_opts(method.clone(), &path, self.lifetime, &options);
        let url = signed.await.map_err(|_| Unsigned)?;
        Ok(Presigned {
            method,
            url,
            header,
        })
    }
}

impl FromStr for ObjectName {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for ObjectName {
    type Error = ObjectNameError;

    fn try_from(text: String) -> Result<Self, ObjectNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let fits = (1..=OBJECT).contains(&text.len()) && !text.starts_with('.');
        if fits && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(ObjectNameError)
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
