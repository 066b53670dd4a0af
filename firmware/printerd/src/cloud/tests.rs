//! The link against a small broker that says exactly what a test wants said.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use mqtt_protocol_core::mqtt::{
    Connection, Version as MqttVersion,
    common::Cursor,
    connection::Event,
    packet::{GenericPacketTrait, Packet, Qos, v3_1_1, v5_0},
    result_code::{ConnectReasonCode, ConnectReturnCode, SubackReasonCode, SubackReturnCode},
    role,
};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::*;
use crate::{backoff::Backoff, printer::Incoming};

const SERIAL: &str = "01S00A";
const REQUESTS: &str = "device/01S00A/request";
const REPORTS: &str = "device/01S00A/report";
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker's socket, and a link that was told of it.
struct Setup {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    commands: mpsc::Receiver<Incoming>,
    messages: broadcast::Sender<Outgoing>,
    state: watch::Receiver<LinkState>,
    stop: CancellationToken,
    link: JoinHandle<Result<(), rustls::Error>>,
}

/// The broker's end of one connection.
struct Guest {
    stream: TlsStream<TcpStream>,
    mqtt: Connection<role::Server>,
    heard: VecDeque<Packet>,
    buffer: Vec<u8>,
}

fn certificate() -> (ServerConfig, RootCertStore) {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    (config, roots)
}

impl Setup {
    async fn new(version: Version) -> Self {
        Self::adjusted(version, |_| {}).await
    }

    async fn adjusted(version: Version, adjust: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("mqtts://{}", listener.local_addr().unwrap());
        let (tls, roots) = certificate();
        let mut settings = Settings {
            broker: Broker::parse(&url).unwrap(),
            username: SERIAL.to_owned(),
            password: Some(Password::new(b"hunter2").unwrap()),
            version,
            trust: Trust::Pinned(roots),
            keepalive: Duration::from_secs(60),
            backoff: Backoff {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(10),
            },
        };
        adjust(&mut settings);
        let (requests, commands) = mpsc::channel(8);
        let (messages, _) = broadcast::channel(64);
        let (sender, state) = watch::channel(LinkState::default());
        let printer = PrinterHandle::detached(requests, messages.clone());
        let stop = CancellationToken::new();
        let link = tokio::spawn(run(
            settings,
            SERIAL,
            printer,
            sender,
            Timestamp::UNIX_EPOCH,
            stop.clone(),
        ));
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            commands,
            messages,
            state,
            stop,
            link,
        }
    }

    async fn guest(&self, version: MqttVersion) -> Guest {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        let stream = soon(self.acceptor.accept(stream)).await.unwrap();
        let mut mqtt = Connection::new(version);
        mqtt.set_auto_pub_response(true);
        mqtt.set_auto_ping_response(true);
        Guest {
            stream,
            mqtt,
            heard: VecDeque::new(),
            buffer: Vec::new(),
        }
    }

    /// The connection by which the broker forgets an earlier session.
    async fn forget(&self) {
        let mut guest = self.guest(MqttVersion::V5_0).await;
        assert!(guest.connect().await.clean_start());
        guest.accept(false).await;
        assert!(matches!(guest.hear().await, Packet::V5_0Disconnect(_)));
    }

    /// A guest that was accepted, subscribed, and has sent its marker, which is not yet returned.
    async fn subscriber(&self, session_present: bool) -> (Guest, Bytes) {
        if !session_present {
            self.forget().await;
        }
        let mut guest = self.guest(MqttVersion::V5_0).await;
        assert!(!guest.connect().await.clean_start());
        guest.accept(session_present).await;
        guest.grant().await;
        loop {
            let (topic, payload, _) = guest.publication().await;
            if topic == REQUESTS {
                return (guest, payload);
            }
        }
    }

    async fn command(&mut self) -> (String, bool) {
        let incoming = soon(self.commands.recv()).await.unwrap();
        let text = String::from_utf8(incoming.payload.to_vec()).unwrap();
        (text, incoming.stale)
    }

    fn say(&self, text: &'static str, kind: Kind, to: Audience) {
        let payload = Bytes::from_static(text.as_bytes());
        self.messages.send(Outgoing { payload, to, kind }).unwrap();
    }

    async fn reaches(&mut self, wanted: impl FnMut(&LinkState) -> bool) -> LinkState {
        soon(self.state.wait_for(wanted)).await.unwrap().clone()
    }

    async fn end(self) {
        self.stop.cancel();
        soon(self.link).await.unwrap().unwrap();
        assert_eq!(*self.state.borrow(), LinkState::Stopped);
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

impl Guest {
    async fn hear(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.heard.pop_front() {
                return packet;
            }
            let mut bytes = [0; 4096];
            let count = soon(self.stream.read(&mut bytes)).await.unwrap();
            assert!(count > 0, "the link hung up");
            self.buffer.extend(&bytes[..count]);
            let buffer = std::mem::take(&mut self.buffer);
            let mut cursor = Cursor::new(buffer.as_slice());
            while cursor.position() < buffer.len() as u64 {
                let events = self.mqtt.recv(&mut cursor);
                self.apply(events).await;
            }
        }
    }

    async fn apply(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => self.heard.push_back(packet),
                Event::RequestSendPacket { packet, .. } => {
                    let bytes = packet.to_continuous_buffer();
                    self.stream.write_all(&bytes).await.unwrap();
                    self.stream.flush().await.unwrap();
                }
                Event::NotifyError(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    async fn say(&mut self, packet: impl Into<Packet>) {
        let events = self.mqtt.send(packet.into());
        self.apply(events).await;
    }

    async fn connect(&mut self) -> v5_0::Connect {
        match self.hear().await {
            Packet::V5_0Connect(connect) => connect,
            other => panic!("{other:?}"),
        }
    }

    async fn accept(&mut self, session_present: bool) {
        let connack = v5_0::Connack::builder()
            .session_present(session_present)
            .reason_code(ConnectReasonCode::Success);
        self.say(connack.build().unwrap()).await;
    }

    async fn grant(&mut self) {
        loop {
            match self.hear().await {
                Packet::V5_0Subscribe(subscribe) => {
                    let suback = v5_0::Suback::builder()
                        .packet_id(subscribe.packet_id())
                        .reason_codes(vec![SubackReasonCode::GrantedQos2]);
                    return self.say(suback.build().unwrap()).await;
                }
                Packet::V5_0Publish(publish) => self.heard.push_back(publish.into()),
                _ => {}
            }
        }
    }

    /// The next publication: topic, payload, and whether it came before.
    async fn publication(&mut self) -> (String, Bytes, bool) {
        loop {
            if let Packet::V5_0Publish(publish) = self.hear().await {
                let payload = Bytes::copy_from_slice(publish.payload().as_slice());
                return (publish.topic_name().to_owned(), payload, publish.dup());
            }
        }
    }

    async fn publish(&mut self, id: u16, payload: &[u8], again: bool) {
        self.mqtt.register_packet_id(id).unwrap();
        let publish = v5_0::Publish::builder()
            .topic_name(REQUESTS)
            .unwrap()
            .qos(Qos::ExactlyOnce)
            .packet_id(id)
            .dup(again)
            .payload(payload);
        self.say(publish.build().unwrap()).await;
    }

    /// Until the printer has answered a publication.
    async fn receipt(&mut self) {
        while !matches!(self.hear().await, Packet::V5_0Pubrec(_)) {}
    }
}

#[tokio::test]
async fn commands_from_before_the_connection_are_stale_and_later_ones_are_not() {
    let mut setup = Setup::new(Version::V5).await;
    let (mut guest, marker) = setup.subscriber(false).await;
    guest.publish(1, b"old", false).await;
    guest
        .publish(
            2,
            b"{\"link\":{\"marker\":\"of an earlier connection\"}}",
            true,
        )
        .await;
    guest.publish(3, &marker, false).await;
    guest.publish(4, b"new", false).await;
    assert_eq!(setup.command().await, ("old".to_owned(), true));
    assert_eq!(setup.command().await, ("new".to_owned(), false));
    setup.end().await;
}

#[tokio::test]
async fn a_command_that_the_broker_repeats_is_obeyed_once() {
    let mut setup = Setup::new(Version::V5).await;
    let (mut guest, marker) = setup.subscriber(false).await;
    guest.publish(1, &marker, false).await;
    guest.receipt().await;
    guest.publish(7, b"once", false).await;
    assert_eq!(setup.command().await, ("once".to_owned(), false));
    drop(guest);
    let (mut guest, marker) = setup.subscriber(true).await;
    guest.publish(7, b"once", true).await;
    guest.receipt().await;
    guest.publish(8, &marker, false).await;
    guest.publish(9, b"next", false).await;
    assert_eq!(setup.command().await, ("next".to_owned(), false));
    setup.end().await;
}

#[tokio::test]
async fn an_answer_that_the_broker_has_not_taken_is_sent_again_and_says_so() {
    let setup = Setup::new(Version::V5).await;
    let (mut guest, _) = setup.subscriber(false).await;
    guest.mqtt.set_auto_pub_response(false);
    setup.say("answer", Kind::Ack, Audience::Cloud);
    let (topic, payload, again) = guest.publication().await;
    assert_eq!(
        (topic.as_str(), payload.as_ref(), again),
        (REPORTS, b"answer".as_slice(), false)
    );
    drop(guest);
    let mut guest = setup.guest(MqttVersion::V5_0).await;
    guest.connect().await;
    guest.accept(true).await;
    let (_, payload, again) = guest.publication().await;
    assert_eq!((payload.as_ref(), again), (b"answer".as_slice(), true));
    setup.end().await;
}

#[tokio::test]
async fn answers_wait_for_a_broker_that_is_away_and_reports_do_not() {
    let setup = Setup::new(Version::V5).await;
    setup.forget().await;
    let guest = setup.guest(MqttVersion::V5_0).await;
    setup.say("report", Kind::Status, Audience::Everyone);
    setup.say("of the LAN", Kind::Ack, Audience::Lan);
    setup.say("answer", Kind::Ack, Audience::Everyone);
    drop(guest);
    let mut guest = setup.guest(MqttVersion::V5_0).await;
    guest.connect().await;
    guest.accept(false).await;
    assert_eq!(guest.publication().await.1, "answer");
    setup.say("news", Kind::Status, Audience::Everyone);
    assert_eq!(guest.publication().await.1, "news");
    setup.end().await;
}

#[tokio::test]
async fn a_311_broker_forgets_what_waited_while_the_printer_was_off() {
    let setup = Setup::new(Version::V311).await;
    for (clean, accepted) in [
        (true, ConnectReturnCode::Accepted),
        (false, ConnectReturnCode::Accepted),
    ] {
        let mut guest = setup.guest(MqttVersion::V3_1_1).await;
        let Packet::V3_1_1Connect(connect) = guest.hear().await else {
            panic!("no greeting");
        };
        assert_eq!(connect.clean_session(), clean);
        assert_eq!(
            (connect.client_id(), connect.user_name()),
            (SERIAL, Some(SERIAL))
        );
        assert_eq!(connect.password(), Some(b"hunter2".as_slice()));
        let connack = v3_1_1::Connack::builder()
            .session_present(false)
            .return_code(accepted);
        guest.say(connack.build().unwrap()).await;
        match guest.hear().await {
            Packet::V3_1_1Disconnect(_) => assert!(clean),
            Packet::V3_1_1Subscribe(subscribe) => {
                assert!(!clean);
                let suback = v3_1_1::Suback::builder()
                    .packet_id(subscribe.packet_id())
                    .return_codes(vec![SubackReturnCode::SuccessMaximumQos2]);
                guest.say(suback.build().unwrap()).await;
            }
            other => panic!("{other:?}"),
        }
    }
    setup.end().await;
}

#[tokio::test]
async fn a_broker_with_another_authoritys_certificate_hears_nothing() {
    let (_, others) = certificate();
    let mut setup = Setup::adjusted(Version::V5, |settings| {
        settings.trust = Trust::Pinned(others);
    })
    .await;
    let (stream, _) = soon(setup.listener.accept()).await.unwrap();
    assert!(soon(setup.acceptor.accept(stream)).await.is_err());
    let waiting = |state: &LinkState| matches!(state, LinkState::Waiting { reason } if reason.contains("not believed"));
    setup.reaches(waiting).await;
    setup.end().await;
}

#[tokio::test]
async fn public_authorities_do_not_vouch_for_a_private_broker() {
    let mut setup = Setup::adjusted(Version::V5, |settings| settings.trust = Trust::Public).await;
    let (stream, _) = soon(setup.listener.accept()).await.unwrap();
    assert!(soon(setup.acceptor.accept(stream)).await.is_err());
    setup
        .reaches(|state| matches!(state, LinkState::Waiting { .. }))
        .await;
    setup.end().await;
}

#[tokio::test]
async fn a_broker_in_clear_text_hears_a_tls_greeting_and_nothing_else() {
    let mut setup = Setup::new(Version::V5).await;
    let (mut stream, _) = soon(setup.listener.accept()).await.unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(first, [0x16]);
    stream.write_all(b"\x20\x03\x00\x00\x00").await.unwrap();
    setup
        .reaches(|state| matches!(state, LinkState::Waiting { .. }))
        .await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!rest.windows(7).any(|bytes| bytes == b"hunter2"));
    setup.end().await;
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_left() {
    let setup = Setup::adjusted(Version::V5, |settings| {
        settings.keepalive = Duration::from_millis(100);
    })
    .await;
    let (mut silent, _) = setup.subscriber(false).await;
    silent.mqtt.set_auto_ping_response(false);
    setup.subscriber(true).await;
    setup.end().await;
}

#[tokio::test]
async fn a_refusal_is_told_as_it_was_given() {
    let mut setup = Setup::new(Version::V5).await;
    let mut guest = setup.guest(MqttVersion::V5_0).await;
    guest.connect().await;
    let connack = v5_0::Connack::builder()
        .session_present(false)
        .reason_code(ConnectReasonCode::BadUserNameOrPassword);
    guest.say(connack.build().unwrap()).await;
    let state = setup
        .reaches(|state| matches!(state, LinkState::Waiting { .. }))
        .await;
    let LinkState::Waiting { reason } = state else {
        unreachable!()
    };
    assert_eq!(
        reason,
        "the broker refused the printer: BadUserNameOrPassword"
    );
    setup.end().await;
}

#[tokio::test]
async fn a_session_that_brings_a_message_without_end_is_begun_anew() {
    let setup = Setup::new(Version::V5).await;
    let (mut guest, _) = setup.subscriber(false).await;
    guest
        .stream
        .write_all(&[0x30, 0xff, 0xff, 0xff, 0x7f])
        .await
        .unwrap();
    guest.stream.flush().await.unwrap();
    // Clean again, as `subscriber` checks.
    setup.subscriber(false).await;
    setup.end().await;
}

#[tokio::test]
async fn whoever_stops_the_link_hears_a_goodbye_and_leaves_no_task() {
    let setup = Setup::new(Version::V5).await;
    let (mut guest, _) = setup.subscriber(false).await;
    setup.end().await;
    while !matches!(guest.hear().await, Packet::V5_0Disconnect(_)) {}
}
