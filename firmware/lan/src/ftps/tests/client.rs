//! An FTPS client that can misbehave.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{CODE, Printer, SERIAL};

/// How a data connection is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Pasv,
    Epsv,
}

/// How a client ends an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// As TLS wants it.
    Notify,
    /// With a bare FIN.
    Fin,
    /// With a reset.
    Reset,
}

pub(super) struct Client {
    stream: BufReader<TlsStream<TcpStream>>,
    config: Arc<ClientConfig>,
    server: IpAddr,
}

impl Client {
    /// What to speak: all versions if none is named.
    pub(super) fn config(
        printer: &Printer,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(printer.authority.as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let versions = if versions.is_empty() {
            rustls::ALL_VERSIONS
        } else {
            versions
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }

    pub(super) async fn connect(printer: &Printer, config: ClientConfig) -> Self {
        let config = Arc::new(config);
        let tcp = TcpStream::connect(printer.address).await.unwrap();
        let stream = BufReader::new(encrypt(&config, tcp).await.unwrap());
        let mut client = Self {
            stream,
            config,
            server: printer.address.ip(),
        };
        assert_eq!(client.reply().await.unwrap().0, 220);
        client
    }

    pub(super) async fn log_in(&mut self) {
        assert_eq!(self.code("USER bblp").await, 331);
        assert_eq!(self.code(&format!("PASS {CODE}")).await, 230);
        assert_eq!(self.code("PBSZ 0").await, 200);
        assert_eq!(self.code("PROT P").await, 200);
    }

    pub(super) async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) {
        // A server that has closed does not take them.
        let _ = self.stream.get_mut().write_all(bytes).await;
        let _ = self.stream.get_mut().flush().await;
    }

    /// The next reply: its code, and all of its lines. None when the server has closed.
    pub(super) async fn reply(&mut self) -> Option<(u16, String)> {
        let mut text = String::new();
        loop {
            let start = text.len();
            if self.stream.read_line(&mut text).await.unwrap_or(0) == 0 {
                return None;
            }
            let line = &text[start..];
            let code = line.get(..3).and_then(|code| code.parse().ok());
            if let (Some(code), Some(" ")) = (code, line.get(3..4)) {
                return Some((code, text));
            }
        }
    }

    pub(super) async fn code(&mut self, line: &str) -> u16 {
        self.ask(line).await.0
    }

    pub(super) async fn ask(&mut self, line: &str) -> (u16, String) {
        self.send(line).await;
        self.reply()
            .await
            .unwrap_or_else(|| panic!("no reply to {line}"))
    }

    /// Where the server waits for a data connection.
    pub(super) async fn port(&mut self, way: Way) -> SocketAddr {
        match way {
            Way::Epsv => {
                let (code, text) = self.ask("EPSV").await;
                assert_eq!(code, 229, "{text}");
                SocketAddr::new(
                    self.server,
                    text.split('|').nth(3).unwrap().parse().unwrap(),
                )
            }
            Way::Pasv => {
                let (code, text) = self.ask("PASV").await;
                assert_eq!(code, 227, "{text}");
                let numbers = text.split(['(', ')']).nth(1).unwrap();
                let n: Vec<u8> = numbers
                    .split(',')
                    .map(|number| number.parse().unwrap())
                    .collect();
                let address = IpAddr::from([n[0], n[1], n[2], n[3]]);
                SocketAddr::new(address, u16::from_be_bytes([n[4], n[5]]))
            }
        }
    }

    /// A clear connection to a port of the server.
    pub(super) async fn dial(&mut self, way: Way) -> TcpStream {
        TcpStream::connect(self.port(way).await).await.unwrap()
    }

    /// A clear connection from another address.
    pub(super) async fn dial_from(from: &str, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::new(from.parse().unwrap(), 0))
            .unwrap();
        socket.connect(to).await.unwrap()
    }

    pub(super) async fn encrypt(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        encrypt(&self.config, tcp).await
    }

    /// A data connection on which `command` has begun.
    pub(super) async fn begin(&mut self, way: Way, command: &str) -> TlsStream<TcpStream> {
        let tcp = self.dial(way).await;
        let (code, text) = self.ask(command).await;
        assert_eq!(code, 150, "{text}");
        self.encrypt(tcp).await.unwrap()
    }

    /// Uploads, and gives the code of the last reply.
    pub(super) async fn upload(
        &mut self,
        way: Way,
        command: &str,
        bytes: &[u8],
        close: Close,
    ) -> u16 {
        let mut data = self.begin(way, command).await;
        data.write_all(bytes).await.unwrap();
        data.flush().await.unwrap();
        end(data, close).await;
        self.reply().await.unwrap().0
    }

    /// Downloads, and gives the bytes and whether the session of the control connection was resumed.
    pub(super) async fn download(&mut self, way: Way, command: &str) -> (Vec<u8>, bool) {
        let mut data = self.begin(way, command).await;
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).await.unwrap();
        let resumed = data.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        drop(data);
        assert_eq!(self.reply().await.unwrap().0, 226);
        (bytes, resumed)
    }

    pub(super) async fn text(&mut self, command: &str) -> String {
        String::from_utf8(self.download(Way::Epsv, command).await.0).unwrap()
    }
}

pub(super) async fn end(mut data: TlsStream<TcpStream>, close: Close) {
    match close {
        Close::Notify => data.shutdown().await.unwrap(),
        Close::Fin => {}
        Close::Reset => data.get_ref().0.set_zero_linger().unwrap(),
    }
}

async fn encrypt(
    config: &Arc<ClientConfig>,
    tcp: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(SERIAL).unwrap();
    TlsConnector::from(Arc::clone(config))
        .connect(name, tcp)
        .await
}
