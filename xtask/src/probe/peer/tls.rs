//! TLS on both sides: throwaway authorities for our servers, and clients that verify the printer's certificate.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    SupportedProtocolVersion,
};

use crate::probe::printer::{PATIENCE, SERIAL};

/// TLS over a connection to the printer.
pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

/// An authority that lives for one probe, and a server's certificate by it.
pub(crate) struct Authority {
    /// Its certificate in PEM.
    pub(crate) pem: String,
    /// A server on 127.0.0.1 with a certificate by it.
    pub(crate) server: Arc<ServerConfig>,
}

impl Authority {
    /// A new one, which nobody knows.
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Firstlayer probe");
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate()?;
        let leaf =
            CertificateParams::new([Ipv4Addr::LOCALHOST.to_string()])?.signed_by(&key, &issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.into())?;
        Ok(Self {
            pem,
            server: Arc::new(server),
        })
    }
}

/// A client that believes this authority alone, in these versions of TLS.
pub(crate) fn client(
    authority: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.as_bytes())
        .context("the printer's authority is not PEM")?;
    roots
        .add(certificate)
        .context("the printer's authority is no certificate")?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A connection in clear text to a port of the printer, which waits for nothing for ever.
pub(crate) fn plain(port: u16) -> Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("port {port} does not take a connection"))?;
    patient(&stream)?;
    Ok(stream)
}

/// Limits every wait for the peer.
pub(crate) fn patient(stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(())
}

/// Whether an error says that such a wait was for nothing.
pub(crate) fn ran_out_of_time(error: &io::Error) -> bool {
    [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind())
}

/// TLS over a connection to the printer, whose certificate must name its serial number.
pub(crate) fn secure(stream: TcpStream, config: &Arc<ClientConfig>) -> Result<Secured> {
    let name = ServerName::try_from(SERIAL)?;
    let connection = ClientConnection::new(Arc::clone(config), name)?;
    let mut secured = StreamOwned::new(connection, stream);
    while secured.conn.is_handshaking() {
        secured
            .conn
            .complete_io(&mut secured.sock)
            .context("no TLS handshake")?;
    }
    Ok(secured)
}

/// Says something in clear text, and takes what comes back until the peer ends the connection.
pub(crate) fn answer_to(port: u16, said: &[u8]) -> Result<Vec<u8>> {
    let mut stream = plain(port)?;
    let mut answer = Vec::new();
    // A peer that hangs up at once resets the connection: what it said before that counts.
    if stream.write_all(said).is_ok() {
        let mut buffer = [0; 4096];
        while answer.len() <= buffer.len() {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => answer.extend(buffer.iter().take(count)),
                Err(error) if ran_out_of_time(&error) => {
                    return Err(error).context("the peer neither spoke nor hung up");
                }
                Err(_) => break,
            }
        }
    }
    Ok(answer)
}
