//! The broker over real sockets and real TLS.

mod ends;
mod hostile;
mod messages;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::Event;
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait as _, Packet, Qos, SubEntry, SubOpts, v3_1_1, v5_0,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{Messages, Request, serve};
use crate::access::{Access, AccessCode};
use crate::admission::{Admission, AdmissionLimits};
use crate::{Identity, Service, Tls};

const SERIAL: &str = "01P00A";
const REPORT: &str = "device/01P00A/report";
const REQUEST: &str = "device/01P00A/request";
const CODE: &str = "right2code";
const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5_0];

/// A broker at work, and the printer's ends of its channels.
struct Printer {
    address: SocketAddr,
    authority: CertificateDer<'static>,
    access: Access,
    admission: Admission,
    requests: mpsc::Receiver<Request>,
    reports: broadcast::Sender<Bytes>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// A client that keeps to the protocol.
struct Client {
    stream: TlsStream<TcpStream>,
    protocol: mqtt::Connection<mqtt::role::Client>,
    version: Version,
    received: Vec<Packet>,
}

impl Printer {
    async fn start() -> Self {
        Self::start_with(AdmissionLimits::default()).await
    }

    async fn start_with(limits: AdmissionLimits) -> Self {
        let identity = Identity::create(
            SERIAL,
            &[Ipv4Addr::LOCALHOST.into()],
            jiff::Timestamp::now(),
        )
        .unwrap();
        let service = Service {
            tls: Tls::new(&identity).unwrap().control,
            access: Access::new(&AccessCode::parse(CODE).unwrap()),
            admission: Admission::new(limits),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, received) = mpsc::channel(1);
        let reports = broadcast::Sender::new(4);
        let messages = Messages {
            requests,
            reports: reports.clone(),
        };
        let stop = CancellationToken::new();
        let (access, admission) = (service.access.clone(), service.admission.clone());
        let until = stop.clone();
        let serving =
            tokio::spawn(async move { serve(listener, service, SERIAL, messages, until).await });
        Self {
            address,
            authority: CertificateDer::from_pem_slice(identity.authority_pem().as_bytes()).unwrap(),
            access,
            admission,
            requests: received,
            reports,
            stop,
            serving,
        }
    }

    /// A connection without TLS yet.
    async fn reach(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection after its handshake.
    async fn shake_hands(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::from(self.address.ip());
        let stream = self.reach().await;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap()
    }

    async fn stranger(&self, version: Version) -> Client {
        let stream = self.shake_hands(rustls::DEFAULT_VERSIONS).await;
        Client::new(stream, version)
    }

    /// A client that has logged in under this name.
    async fn member(&self, version: Version, name: &str) -> Client {
        let mut client = self.stranger(version).await;
        client.send(connect(version, name, CODE, 60)).await;
        assert_eq!(client.connack().await, 0);
        client
    }

    /// Stops the broker, and waits until it has returned.
    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

impl Client {
    fn new(stream: TlsStream<TcpStream>, version: Version) -> Self {
        let mut protocol = mqtt::Connection::new(version);
        protocol.set_auto_pub_response(true);
        Self {
            stream,
            protocol,
            version,
            received: Vec::new(),
        }
    }

    async fn send(&mut self, packet: Packet) {
        for event in self.protocol.send(packet) {
            match event {
                Event::RequestSendPacket { packet, .. } => {
                    self.send_bytes(&packet.to_continuous_buffer()).await
                }
                Event::NotifyError(error) => panic!("the client cannot send: {error}"),
                _ => {}
            }
        }
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next packet; `None` once the connection has ended.
    async fn next(&mut self) -> Option<Packet> {
        while self.received.is_empty() {
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).await.unwrap_or(0);
            if count == 0 {
                return None;
            }
            let mut input = Cursor::new(&bytes[..count]);
            while input.position() < count as u64 {
                for event in self.protocol.recv(&mut input) {
                    match event {
                        Event::NotifyPacketReceived(packet) => self.received.push(packet),
                        // Nobody may be left to hear it.
                        Event::RequestSendPacket { packet, .. } => {
                            let _ = self.stream.write_all(&packet.to_continuous_buffer()).await;
                            let _ = self.stream.flush().await;
                        }
                        Event::NotifyError(error) => panic!("the client objects: {error}"),
                        _ => {}
                    }
                }
            }
        }
        Some(self.received.remove(0))
    }

    async fn connack(&mut self) -> u8 {
        match self.next().await {
            Some(Packet::V3_1_1Connack(connack)) => connack.return_code() as u8,
            Some(Packet::V5_0Connack(connack)) => connack.reason_code() as u8,
            other => panic!("no CONNACK: {other:?}"),
        }
    }

    async fn subscribe(&mut self, qos: Qos) {
        let id = self.protocol.acquire_packet_id().unwrap();
        let entry = SubEntry::new(REPORT, SubOpts::new().set_qos(qos)).unwrap();
        let packet = match self.version {
            Version::V5_0 => v5_0::Subscribe::builder()
                .packet_id(id)
                .entries(vec![entry])
                .build()
                .unwrap()
                .into(),
            _ => v3_1_1::Subscribe::builder()
                .packet_id(id)
                .entries(vec![entry])
                .build()
                .unwrap()
                .into(),
        };
        self.send(packet).await;
        let suback = self.next().await;
        assert!(
            matches!(
                suback,
                Some(Packet::V3_1_1Suback(_) | Packet::V5_0Suback(_))
            ),
            "{suback:?}"
        );
    }

    async fn publish(&mut self, payload: &str, qos: Qos) {
        let id = (qos != Qos::AtMostOnce).then(|| self.protocol.acquire_packet_id().unwrap());
        let packet = match self.version {
            Version::V5_0 => {
                let publish = v5_0::Publish::builder()
                    .topic_name(REQUEST)
                    .unwrap()
                    .qos(qos);
                publish
                    .packet_id(id)
                    .payload(payload)
                    .build()
                    .unwrap()
                    .into()
            }
            _ => {
                let publish = v3_1_1::Publish::builder()
                    .topic_name(REQUEST)
                    .unwrap()
                    .qos(qos);
                publish
                    .packet_id(id)
                    .payload(payload)
                    .build()
                    .unwrap()
                    .into()
            }
        };
        self.send(packet).await;
    }

    /// The next report.
    async fn report(&mut self) -> Vec<u8> {
        match self.next().await {
            Some(Packet::V3_1_1Publish(publish)) => publish.payload().as_slice().to_vec(),
            Some(Packet::V5_0Publish(publish)) => publish.payload().as_slice().to_vec(),
            other => panic!("no report: {other:?}"),
        }
    }

    /// Waits for the end, whatever comes before it.
    async fn ended(&mut self) {
        while self.next().await.is_some() {}
    }
}

fn connect(version: Version, name: &str, code: &str, keep_alive: u16) -> Packet {
    match version {
        Version::V5_0 => {
            let connect = v5_0::Connect::builder()
                .client_id(name)
                .unwrap()
                .keep_alive(keep_alive);
            connect
                .user_name("bblp")
                .unwrap()
                .password(code)
                .unwrap()
                .build()
                .unwrap()
                .into()
        }
        _ => {
            let connect = v3_1_1::Connect::builder()
                .client_id(name)
                .unwrap()
                .keep_alive(keep_alive);
            connect
                .user_name("bblp")
                .unwrap()
                .password(code)
                .unwrap()
                .build()
                .unwrap()
                .into()
        }
    }
}
