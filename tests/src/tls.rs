//! A certificate authority for one test, and a server certificate under it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The files a server and its client need.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's certificate, PEM: what a client is told to trust.
    pub authority: PathBuf,
    /// The server's certificate for 127.0.0.1 and localhost, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// The same two for a server in this process.
    pub server: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes an authority and a leaf, and writes them into a folder.
    ///
    /// Two certificates, because clients refuse an authority as a server's own certificate.
    pub fn create(folder: &Path) -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let authority = authority_params();
        let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])
            .expect("names")
            .signed_by(&key, &issuer)
            .expect("a certificate");
        Self {
            authority: write(folder, "authority.pem", &authority_certificate.pem()),
            certificate: write(folder, "server.pem", &leaf.pem()),
            key: write(folder, "server.key", &key.serialize_pem()),
            server: server_config(
                leaf.der().clone(),
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            ),
        }
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Firstlayer test authority");
    params
}

fn server_config(
    leaf: rustls::pki_types::CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring's versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .expect("a key that fits its certificate");
    Arc::new(config)
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writing a test certificate");
    path
}
