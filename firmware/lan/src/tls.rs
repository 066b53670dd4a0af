//! How the printer speaks TLS on the LAN: 1.2 and 1.3, forward secrecy always, one certificate everywhere.
//!
//! It must never send TLS 1.3 tickets on a data connection: clients that close without reading them make the kernel
//! answer with a reset, and the tail of an upload is lost. Sessions begun on a control connection are resumed there.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache},
    sign::CertifiedKey,
};

use crate::identity::{Identity, IdentityError};

/// Sessions of TLS 1.2 clients that do not take tickets; each is a few hundred bytes.
const SESSIONS: usize = 64;

/// The two configurations, which share certificate and sessions.
#[derive(Debug, Clone)]
pub struct Tls {
    /// For MQTT, and for FTP's control connections.
    pub control: Arc<ServerConfig>,
    /// For FTP's data connections.
    pub data: Arc<ServerConfig>,
    presented: Arc<Presented>,
}

/// Why TLS cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The identity cannot be read.
    #[error("the printer has no usable identity")]
    Identity(#[from] IdentityError),
    /// The certificate and its key do not belong together, or the system gives no random bytes.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
}

/// The certificate of the moment.
#[derive(Debug)]
struct Presented(RwLock<Arc<CertifiedKey>>);

impl Tls {
    /// Presents this identity.
    pub fn new(identity: &Identity) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let presented = Arc::new(Presented(RwLock::new(certified(identity, &provider)?)));
        // The default versions are 1.2 and 1.3; every suite of the provider has an ephemeral key exchange.
        let mut control = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&presented) as Arc<dyn ResolvesServerCert>);
        control.ticketer = ring::Ticketer::new()?;
        control.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        let mut data = control.clone();
        data.send_tls13_tickets = 0;
        Ok(Self {
            control: Arc::new(control),
            data: Arc::new(data),
            presented,
        })
    }

    /// Presents this identity from the next handshake on; open connections stay.
    pub fn present(&self, identity: &Identity) -> Result<(), TlsError> {
        let next = certified(identity, self.control.crypto_provider())?;
        *self
            .presented
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

/// A name in the handshake is never required: clients send the serial number, the address or none.
impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

fn certified(
    identity: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    Ok(Arc::new(CertifiedKey::from_der(
        identity.chain()?,
        identity.key()?,
        provider,
    )?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_forward_secrecy() {
        let identity = Identity::create("S", &[], jiff::Timestamp::UNIX_EPOCH).unwrap();
        let tls = Tls::new(&identity).unwrap();
        for suite in &tls.control.crypto_provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(
                name.starts_with("TLS13_") || name.contains("ECDHE"),
                "{name}"
            );
        }
    }

    #[test]
    fn data_connections_send_no_tickets_and_share_the_sessions() {
        let identity = Identity::create("S", &[], jiff::Timestamp::UNIX_EPOCH).unwrap();
        let tls = Tls::new(&identity).unwrap();
        assert_eq!(tls.data.send_tls13_tickets, 0);
        assert!(tls.control.send_tls13_tickets > 0);
        assert!(Arc::ptr_eq(&tls.control.ticketer, &tls.data.ticketer));
        assert!(Arc::ptr_eq(
            &tls.control.session_storage,
            &tls.data.session_storage
        ));
    }

    #[test]
    fn a_renewed_certificate_is_presented_at_once() {
        let mut identity = Identity::create("S", &[], jiff::Timestamp::UNIX_EPOCH).unwrap();
        let tls = Tls::new(&identity).unwrap();
        identity.renew(&[], jiff::Timestamp::UNIX_EPOCH).unwrap();
        tls.present(&identity).unwrap();
        let presented = Arc::clone(&tls.presented.0.read().unwrap());
        assert_eq!(presented.cert, identity.chain().unwrap());
    }
}
