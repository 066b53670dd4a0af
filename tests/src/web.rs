//! A client of web servers: one request, and the whole answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use reqwest::header::HeaderMap;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

/// Longer than any of the servers takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A client that believes one authority, and speaks clear text too.
#[derive(Debug, Clone)]
pub struct Web(Client);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Web {
    /// A client that believes this authority, given as a PEM file.
    pub fn trusting(authority: &Path) -> Self {
        let certificate = CertificateDer::from_pem_file(authority).expect("an authority");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a valid authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring's versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .no_proxy()
            .timeout(LIMIT)
            .tls_backend_preconfigured(tls)
            .build();
        Self(client.expect("a client"))
    }

    /// Sends a request. `Err` says why there was no whole answer, which may be what a test is about.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer, String> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.0.request(method, url).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().map_err(|error| format!("{error:?}"))?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().map_err(|error| format!("{error:?}"))?,
        })
    }

    /// A request that must be answered.
    #[track_caller]
    pub fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let answer = self.send(method, url, headers, body);
        answer.unwrap_or_else(|why| panic!("{method} {url}: {why}"))
    }
}

impl Answer {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}
