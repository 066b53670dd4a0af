//! How the firmware believes a server over TLS: the public authorities or the operator's own, TLS 1.2 or 1.3, by ring.
//!
//! It must never leave a certificate unchecked, and never use the process's default provider. Certificates are judged
//! by the same time as metadata: a printer whose clock a power cut set back to 1970 would find none of them valid yet.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, UnixTime, pem, pem::PemObject},
    time_provider::TimeProvider,
};

/// A file of authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// It cannot be read, or is not PEM.
    #[error("it is not PEM")]
    Form(#[source] pem::Error),
    /// One of its certificates is none.
    #[error("one of its certificates is not valid")]
    Certificate(#[source] rustls::Error),
    /// It holds no certificate.
    #[error("it holds no certificate")]
    Empty,
}

/// The authorities that browsers believe.
pub fn public_authorities() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// Adds the PEM certificates of `file`, of which there must be one at least.
pub fn add_authorities(roots: &mut RootCertStore, file: impl Read) -> Result<(), AuthorityError> {
    let mut added = 0;
    for certificate in CertificateDer::pem_reader_iter(io::BufReader::new(file)) {
        let certificate = certificate.map_err(AuthorityError::Form)?;
        roots
            .add(certificate)
            .map_err(AuthorityError::Certificate)?;
        added += 1;
    }
    if added == 0 {
        return Err(AuthorityError::Empty);
    }
    Ok(())
}

/// A client that believes `roots`. Certificates are judged by the clock, but by no time before `passed`, which has
/// certainly passed.
pub fn client(roots: RootCertStore, passed: Timestamp) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(
        ClientConfig::builder_with_details(provider, Arc::new(NotBefore(passed)))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// The clock, where it is not behind a time that has certainly passed.
#[derive(Debug)]
pub(crate) struct NotBefore(pub(crate) Timestamp);

impl TimeProvider for NotBefore {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Timestamp::now().max(self.0);
        let since_epoch = Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH)).ok()?;
        Some(UnixTime::since_unix_epoch(since_epoch))
    }
}
