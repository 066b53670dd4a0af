//! What both services share: the device's TLS, who may log in, and how many may come.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::access::Access;
use crate::admission::{Admission, Full, Guest};

/// The parts that a service needs beside its own socket.
#[derive(Clone)]
pub struct Service {
    /// TLS with the device's certificate, spoken from a connection's first byte.
    pub tls: Arc<ServerConfig>,
    /// Who may log in.
    pub access: Access,
    /// Who may connect.
    pub admission: Admission,
}

impl Service {
    /// A place for a connection from this address. Where someone has logged in before, over either service, strangers
    /// of the same network take none of it.
    pub(crate) fn admit(&self, from: IpAddr) -> Result<Guest, Full> {
        if self.access.knows(from) {
            self.admission.admit_known(from)
        } else {
            self.admission.admit(from)
        }
    }

    /// The TLS handshake; `None` if it fails or the guest has to make room. Whoever makes room is told how far the
    /// guest has come.
    pub(crate) async fn secure(
        &self,
        stream: TcpStream,
        guest: &mut Guest,
    ) -> Option<TlsStream<TcpStream>> {
        // A late answer is worth nothing to these clients; without it, small ones would wait for each other.
        let _ = stream.set_nodelay(true);
        tokio::select! {
            biased;
            () = guest.evicted() => return None,
            readable = stream.readable() => readable.ok()?,
        }
        guest.spoke();
        let handshake = TlsAcceptor::from(Arc::clone(&self.tls)).accept(stream);
        let stream = tokio::select! {
            biased;
            () = guest.evicted() => return None,
            accepted = handshake => accepted.ok()?,
        };
        guest.secured();
        Some(stream)
    }
}
