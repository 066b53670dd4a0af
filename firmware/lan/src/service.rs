//! What both services share: the device's TLS, who may log in, and how many may come.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;

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
}
