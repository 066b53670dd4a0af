//! One connection to the broker: MQTT 3.1.1 over TLS, one question, its answers.
//!
//! It must never speak in clear text, nor log what it sends: there are passwords in it.

use mqtt_protocol_core::mqtt::{
    common::Cursor,
    connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket},
    packet::{Qos, SubEntry, SubOpts, v3_1_1},
    result_code::MqttError,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use zeroize::Zeroizing;

use super::commands::{Response, Responses};
use super::{BrokerError, BrokerSettings};
use crate::limits::PACKET;

const COMMANDS: &str = "$CONTROL/dynamic-security/v1";
const RESPONSES: &str = "$CONTROL/dynamic-security/v1/response";
const KEEPALIVE: u16 = 60;

pub(super) struct Line {
    stream: TlsStream<TcpStream>,
    packets: PacketBuilder,
    buffer: Vec<u8>,
}

impl Line {
    /// Connects, logs in, and listens to the plugin's answers.
    pub(super) async fn open(settings: &BrokerSettings) -> Result<Self, BrokerError> {
        let stream = TcpStream::connect((settings.host.as_str(), settings.port))
            .await
            .map_err(BrokerError::Connection)?;
        stream.set_nodelay(true).map_err(BrokerError::Connection)?;
        let stream = TlsConnector::from(settings.tls.clone())
            .connect(settings.server_name.clone(), stream)
            .await
            .map_err(BrokerError::Connection)?;
        let mut line = Self {
            stream,
            // The size is checked before the body's place is allocated.
            packets: PacketBuilder::with_maximum_packet_size(PACKET),
            buffer: Vec::new(),
        };
        line.log_in(settings).await?;
        Ok(line)
    }

    /// Sends commands and waits for as many answers.
    pub(super) async fn ask(&mut self, commands: Vec<Value>) -> Result<Vec<Response>, BrokerError> {
        let count = commands.len();
        let payload = Zeroizing::new(json!({ "commands": commands }).to_string());
        let packet = Zeroizing::new(publish(payload.as_bytes()).map_err(unsendable)?);
        self.write(&packet).await?;
        let mut answers = Vec::new();
        while answers.len() < count {
            let packet = self.hear().await?;
            if let Some(payload) = message(&packet)? {
                let heard: Responses =
                    serde_json::from_slice(&payload).map_err(|_| BrokerError::Malformed)?;
                answers.extend(heard.responses);
            }
        }
        Ok(answers)
    }

    /// Says goodbye; whether it was heard makes no difference.
    pub(super) async fn leave(mut self) {
        if let Ok(packet) = v3_1_1::Disconnect::builder().build() {
            let _ = self.write(&packet.to_continuous_buffer()).await;
        }
        let _ = self.stream.shutdown().await;
    }

    async fn log_in(&mut self, settings: &BrokerSettings) -> Result<(), BrokerError> {
        let random = getrandom::u64().map_err(|_| BrokerError::Refused("no random name"))?;
        let name = format!("firstlayer-gate-{random:016x}");
        let greeting = Zeroizing::new(connect(settings, &name).map_err(unsendable)?);
        self.write(&greeting).await?;
        let accepted = self.hear().await?;
        let accepted = accepted
            .parse_exact(v3_1_1::Connack::parse)
            .map_err(|_| BrokerError::Malformed)?;
        if accepted.return_code().is_failure() {
            return Err(BrokerError::Refused("it does not let it in"));
        }
        self.write(&subscribe().map_err(unsendable)?).await?;
        loop {
            let packet = self.hear().await?;
            if packet.packet_type() == 9 {
                let granted = packet
                    .parse_exact(v3_1_1::Suback::parse)
                    .map_err(|_| BrokerError::Malformed)?;
                let refused = granted.return_codes().iter().any(|code| code.is_failure());
                return match refused {
                    true => Err(BrokerError::Refused("it may not hear the plugin")),
                    false => Ok(()),
                };
            }
        }
    }

    async fn hear(&mut self) -> Result<RawPacket, BrokerError> {
        loop {
            if !self.buffer.is_empty() {
                let mut cursor = Cursor::new(self.buffer.as_slice());
                let built = self.packets.feed(&mut cursor);
                let taken = usize::try_from(cursor.position()).unwrap_or(self.buffer.len());
                self.buffer.drain(..taken.min(self.buffer.len()));
                match built {
                    PacketBuildResult::Complete(packet) => return Ok(packet),
                    PacketBuildResult::Incomplete => continue,
                    PacketBuildResult::Error(_) => return Err(BrokerError::Malformed),
                }
            }
            let mut part = [0; 8 << 10];
            let count = self
                .stream
                .read(&mut part)
                .await
                .map_err(BrokerError::Connection)?;
            if count == 0 {
                let closed = std::io::ErrorKind::UnexpectedEof.into();
                return Err(BrokerError::Connection(closed));
            }
            self.buffer
                .extend_from_slice(part.get(..count).unwrap_or_default());
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), BrokerError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        write.await.map_err(BrokerError::Connection)
    }
}

/// The payload, if the packet is a message. Each is an answer: the gate listens to nothing else.
fn message(packet: &RawPacket) -> Result<Option<Vec<u8>>, BrokerError> {
    match (packet.packet_type(), &packet.data) {
        (3, PacketData::Publish(data)) => {
            let (publish, _) = v3_1_1::Publish::parse(packet.flags(), data.clone())
                .map_err(|_| BrokerError::Malformed)?;
            Ok(Some(publish.payload().as_slice().to_vec()))
        }
        _ => Ok(None),
    }
}

fn connect(settings: &BrokerSettings, name: &str) -> Result<Vec<u8>, MqttError> {
    let connect = v3_1_1::Connect::builder()
        .client_id(name)?
        .clean_session(true)
        .keep_alive(KEEPALIVE)
        .user_name(&settings.username)?
        .password(settings.password.expose().as_bytes().to_vec())?;
    Ok(connect.build()?.to_continuous_buffer())
}

fn subscribe() -> Result<Vec<u8>, MqttError> {
    let options = SubOpts::new().set_qos(Qos::AtMostOnce);
    Ok(v3_1_1::Subscribe::builder()
        .packet_id(1)
        .entries(vec![SubEntry::new(RESPONSES, options)?])
        .build()?
        .to_continuous_buffer())
}

fn publish(payload: &[u8]) -> Result<Vec<u8>, MqttError> {
    Ok(v3_1_1::Publish::builder()
        .topic_name(COMMANDS)?
        .qos(Qos::AtMostOnce)
        .payload(payload)
        .build()?
        .to_continuous_buffer())
}

fn unsendable(_: MqttError) -> BrokerError {
    BrokerError::Refused("its settings make no packet of MQTT")
}
