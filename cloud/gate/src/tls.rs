//! How the gate believes a server over TLS: the public authorities or the operator's own, TLS 1.2 or 1.3, by ring.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

/// A client that believes the public authorities, and those of this file of PEM certificates.
pub(crate) fn client(extra_ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = extra_ca {
        add(&mut roots, path).map_err(|problem| format!("{}: {problem}", path.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut added = 0;
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        let certificate = certificate.map_err(|_| "it is not PEM".to_owned())?;
        roots
            .add(certificate)
            .map_err(|error| format!("one of its certificates is not valid: {error}"))?;
        added += 1;
    }
    match added {
        0 => Err("it holds no certificate".to_owned()),
        _ => Ok(()),
    }
}
