//! What both services share: the device's TLS, who may log in, and how many may come.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::access::Access;
use crate::admission::Admission;

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
