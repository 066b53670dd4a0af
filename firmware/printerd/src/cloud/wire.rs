//! Packets of both versions of MQTT as one vocabulary: what the link says, and what it hears.
//!
//! Parsing and encoding are `mqtt-protocol-core`'s; its connection type is not used. Resuming a session, that type
//! does not count what it sends again against the broker's receive maximum, underflows at the first acknowledgement,
//! and holds new messages for repeated ones when the broker has lost the session. [`super::session`] does that part.

use bytes::Bytes;
use mqtt_protocol_core::mqtt::{
    common::Cursor,
    connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket},
    packet::{
        MaximumPacketSize, Property, Qos, ReceiveMaximum, RetainHandling, SessionExpiryInterval,
        SubEntry, SubOpts, v3_1_1, v5_0,
    },
    result_code::MqttError,
};

use super::{
    limits::{LARGEST_PACKET, SESSION_SECONDS, WINDOW},
    settings::{Password, Version},
};

/// What the broker broke, or could not have meant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A packet that cannot be.
    #[error("the broker sent a malformed packet ({0:?})")]
    Malformed(MqttError),
    /// A packet over the limit.
    #[error("the broker sent a packet of more than {LARGEST_PACKET} bytes")]
    TooLarge,
    /// Something of ours that MQTT cannot carry.
    #[error("a packet could not be made ({0:?})")]
    Encode(MqttError),
}

/// What the link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent<'a> {
    Publish {
        topic: &'a str,
        payload: &'a [u8],
        /// Exactly once under this identifier, or else at most once.
        id: Option<u16>,
        again: bool,
    },
    Subscribe {
        topic: &'a str,
        id: u16,
    },
    Reply(Reply),
    Ping,
    Goodbye,
}

/// Answers in the course of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Acknowledged(u16),
    Received(u16),
    Release(u16),
    Complete(u16),
}

/// Who connects.
pub(super) struct Greeting<'a> {
    pub(super) client: &'a str,
    pub(super) username: &'a str,
    pub(super) password: Option<&'a Password>,
    pub(super) keepalive: u16,
    /// The broker forgets the session before.
    pub(super) clean: bool,
}

/// What the link hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Accepted(Accepted),
    Refused(String),
    Subscribed { granted: bool },
    Message(Message),
    Received { id: u16, accepted: bool },
    Release(u16),
    Complete(u16),
    Goodbye(String),
    Other,
}

/// What the broker said when it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// It still has the session.
    pub(super) session_present: bool,
    pub(super) keepalive: Option<u16>,
    pub(super) window: u16,
    pub(super) largest_packet: u32,
    pub(super) exactly_once: bool,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) delivery: Delivery,
    pub(super) retained: bool,
    pub(super) again: bool,
}

/// How often it may come: once at most, once at least, or exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    AtMost,
    AtLeast(u16),
    Exactly(u16),
}

/// One connection's packets.
pub(super) struct Wire {
    version: Version,
    builder: PacketBuilder,
}

/// Builds a packet that has only an identifier, in either version.
macro_rules! with_id {
    ($version:expr, $packet:ident, $id:expr) => {
        match $version {
            Version::V311 => v3_1_1::$packet::builder()
                .packet_id($id)
                .build()
                .map(|packet| packet.to_continuous_buffer()),
            Version::V5 => v5_0::$packet::builder()
                .packet_id($id)
                .build()
                .map(|packet| packet.to_continuous_buffer()),
        }
    };
}

/// Builds a packet of nothing, in either version.
macro_rules! bare {
    ($version:expr, $packet:ident) => {
        match $version {
            Version::V311 => v3_1_1::$packet::builder()
                .build()
                .map(|packet| packet.to_continuous_buffer()),
            Version::V5 => v5_0::$packet::builder()
                .build()
                .map(|packet| packet.to_continuous_buffer()),
        }
    };
}

impl Wire {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            // The size is checked before the body's place is allocated.
            builder: PacketBuilder::with_maximum_packet_size(LARGEST_PACKET),
        }
    }

    /// Takes the next packet out of `bytes`, or keeps what there is of it; says how many bytes it took.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Option<Heard>), WireError> {
        let mut cursor = Cursor::new(bytes);
        let result = self.builder.feed(&mut cursor);
        let taken = usize::try_from(cursor.position()).unwrap_or(bytes.len());
        match result {
            PacketBuildResult::Complete(packet) => {
                let heard = match self.version {
                    Version::V311 => heard_v311(&packet),
                    Version::V5 => heard_v5(&packet),
                };
                Ok((taken, Some(heard.map_err(WireError::Malformed)?)))
            }
            PacketBuildResult::Incomplete => Ok((taken, None)),
            PacketBuildResult::Error(MqttError::PacketTooLarge) => Err(WireError::TooLarge),
            PacketBuildResult::Error(error) => Err(WireError::Malformed(error)),
        }
    }

    pub(super) fn encode(&self, packet: &Sent<'_>) -> Result<Vec<u8>, WireError> {
        match packet {
            Sent::Publish {
                topic,
                payload,
                id,
                again,
            } => self.publish(topic, payload, *id, *again),
            Sent::Subscribe { topic, id } => self.subscribe(topic, *id),
            Sent::Reply(Reply::Acknowledged(id)) => with_id!(self.version, Puback, *id),
            Sent::Reply(Reply::Received(id)) => with_id!(self.version, Pubrec, *id),
            Sent::Reply(Reply::Release(id)) => with_id!(self.version, Pubrel, *id),
            Sent::Reply(Reply::Complete(id)) => with_id!(self.version, Pubcomp, *id),
            Sent::Ping => bare!(self.version, Pingreq),
            Sent::Goodbye => bare!(self.version, Disconnect),
        }
        .map_err(WireError::Encode)
    }

    pub(super) fn greet(&self, greeting: &Greeting<'_>) -> Result<Vec<u8>, WireError> {
        match self.version {
            Version::V311 => greet_v311(greeting),
            Version::V5 => greet_v5(greeting),
        }
        .map_err(WireError::Encode)
    }

    fn publish(
        &self,
        topic: &str,
        payload: &[u8],
        id: Option<u16>,
        again: bool,
    ) -> Result<Vec<u8>, MqttError> {
        let qos = id.map_or(Qos::AtMostOnce, |_| Qos::ExactlyOnce);
        Ok(match self.version {
            Version::V311 => v3_1_1::Publish::builder()
                .topic_name(topic)?
                .qos(qos)
                .packet_id(id)
                .dup(again)
                .payload(payload)
                .build()?
                .to_continuous_buffer(),
            Version::V5 => v5_0::Publish::builder()
                .topic_name(topic)?
                .qos(qos)
                .packet_id(id)
                .dup(again)
                .payload(payload)
                .build()?
                .to_continuous_buffer(),
        })
    }

    fn subscribe(&self, topic: &str, id: u16) -> Result<Vec<u8>, MqttError> {
        let options = SubOpts::new().set_qos(Qos::ExactlyOnce);
        Ok(match self.version {
            Version::V311 => v3_1_1::Subscribe::builder()
                .packet_id(id)
                .entries(vec![SubEntry::new(topic, options)?])
                .build()?
                .to_continuous_buffer(),
            Version::V5 => {
                // A retained command is older than any connection. And it says of itself that it is retained.
                let options = options
                    .set_rh(RetainHandling::DoNotSendRetained)
                    .set_rap(true);
                v5_0::Subscribe::builder()
                    .packet_id(id)
                    .entries(vec![SubEntry::new(topic, options)?])
                    .build()?
                    .to_continuous_buffer()
            }
        })
    }
}

fn greet_v311(greeting: &Greeting<'_>) -> Result<Vec<u8>, MqttError> {
    let mut connect = v3_1_1::Connect::builder()
        .client_id(greeting.client)?
        .clean_session(greeting.clean)
        .keep_alive(greeting.keepalive)
        .user_name(greeting.username)?;
    if let Some(password) = greeting.password {
        connect = connect.password(password.expose().to_vec())?;
    }
    Ok(connect.build()?.to_continuous_buffer())
}

fn greet_v5(greeting: &Greeting<'_>) -> Result<Vec<u8>, MqttError> {
    let properties = vec![
        Property::SessionExpiryInterval(SessionExpiryInterval::new(SESSION_SECONDS)?),
        Property::ReceiveMaximum(ReceiveMaximum::new(WINDOW)?),
        Property::MaximumPacketSize(MaximumPacketSize::new(LARGEST_PACKET)?),
    ];
    let mut connect = v5_0::Connect::builder()
        .client_id(greeting.client)?
        .clean_start(greeting.clean)
        .keep_alive(greeting.keepalive)
        .props(properties)
        .user_name(greeting.username)?;
    if let Some(password) = greeting.password {
        connect = connect.password(password.expose().to_vec())?;
    }
    Ok(connect.build()?.to_continuous_buffer())
}

fn heard_v311(packet: &RawPacket) -> Result<Heard, MqttError> {
    Ok(match (packet.packet_type(), &packet.data) {
        (2, _) => {
            let connack = packet.parse_exact(v3_1_1::Connack::parse)?;
            if connack.return_code().is_failure() {
                return Ok(Heard::Refused(format!("{:?}", connack.return_code())));
            }
            Heard::Accepted(Accepted {
                session_present: connack.session_present(),
                keepalive: None,
                window: WINDOW,
                largest_packet: u32::MAX,
                exactly_once: true,
            })
        }
        (3, PacketData::Publish(data)) => {
            let (publish, _) = v3_1_1::Publish::parse(packet.flags(), data.clone())?;
            Heard::Message(Message {
                topic: publish.topic_name().to_owned(),
                payload: Bytes::copy_from_slice(publish.payload().as_slice()),
                delivery: delivery(publish.qos(), publish.packet_id())?,
                retained: publish.retain(),
                again: publish.dup(),
            })
        }
        (5, _) => Heard::Received {
            id: named(packet.parse_exact(v3_1_1::Pubrec::parse)?.packet_id())?,
            accepted: true,
        },
        (6, _) => Heard::Release(named(
            packet.parse_exact(v3_1_1::Pubrel::parse)?.packet_id(),
        )?),
        (7, _) => Heard::Complete(named(
            packet.parse_exact(v3_1_1::Pubcomp::parse)?.packet_id(),
        )?),
        (9, _) => {
            let suback = packet.parse_exact(v3_1_1::Suback::parse)?;
            Heard::Subscribed {
                granted: !suback.return_codes().iter().any(|code| code.is_failure()),
            }
        }
        _ => Heard::Other,
    })
}

fn heard_v5(packet: &RawPacket) -> Result<Heard, MqttError> {
    Ok(match (packet.packet_type(), &packet.data) {
        (2, _) => {
            let connack = packet.parse_exact(v5_0::Connack::parse)?;
            if connack.reason_code() as u8 >= 0x80 {
                return Ok(Heard::Refused(format!("{:?}", connack.reason_code())));
            }
            Heard::Accepted(accepted(connack.session_present(), connack.props()))
        }
        (3, PacketData::Publish(data)) => {
            let (publish, _) = v5_0::Publish::parse(packet.flags(), data.clone())?;
            Heard::Message(Message {
                topic: publish.topic_name().to_owned(),
                payload: Bytes::copy_from_slice(publish.payload().as_slice()),
                delivery: delivery(publish.qos(), publish.packet_id())?,
                retained: publish.retain(),
                again: publish.dup(),
            })
        }
        (5, _) => {
            let pubrec = packet.parse_exact(v5_0::Pubrec::parse)?;
            Heard::Received {
                id: named(pubrec.packet_id())?,
                accepted: !pubrec.reason_code().is_some_and(|code| code.is_failure()),
            }
        }
        (6, _) => Heard::Release(named(packet.parse_exact(v5_0::Pubrel::parse)?.packet_id())?),
        (7, _) => Heard::Complete(named(
            packet.parse_exact(v5_0::Pubcomp::parse)?.packet_id(),
        )?),
        (9, _) => {
            let suback = packet.parse_exact(v5_0::Suback::parse)?;
            Heard::Subscribed {
                granted: !suback.reason_codes().iter().any(|code| code.is_failure()),
            }
        }
        (14, _) => {
            let goodbye = packet.parse_exact(v5_0::Disconnect::parse)?;
            Heard::Goodbye(
                goodbye
                    .reason_code()
                    .map_or_else(|| "no reason given".to_owned(), |code| format!("{code:?}")),
            )
        }
        _ => Heard::Other,
    })
}

fn accepted(session_present: bool, properties: &[Property]) -> Accepted {
    let mut accepted = Accepted {
        session_present,
        keepalive: None,
        window: WINDOW,
        largest_packet: u32::MAX,
        exactly_once: true,
    };
    for property in properties {
        match property {
            Property::ServerKeepAlive(value) => accepted.keepalive = Some(value.val()),
            Property::ReceiveMaximum(value) => accepted.window = value.val(),
            Property::MaximumPacketSize(value) => accepted.largest_packet = value.val(),
            Property::MaximumQos(_) => accepted.exactly_once = false,
            _ => {}
        }
    }
    accepted
}

fn delivery(qos: Qos, id: Option<u16>) -> Result<Delivery, MqttError> {
    Ok(match (qos, id) {
        (Qos::AtLeastOnce, Some(id)) => Delivery::AtLeast(named(id)?),
        (Qos::ExactlyOnce, Some(id)) => Delivery::Exactly(named(id)?),
        _ => Delivery::AtMost,
    })
}

/// No packet has the identifier 0 (MQTT 5, 2.2.1), and none that answers it could be written.
fn named(id: u16) -> Result<u16, MqttError> {
    if id == 0 {
        return Err(MqttError::MalformedPacket);
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_of_a_broker_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for version in [Version::V311, Version::V5] {
                let mut wire = Wire::new(version);
                let mut rest = bytes.as_slice();
                while let Ok((taken, _)) = wire.feed(rest) {
                    rest = &rest[taken..];
                    if rest.is_empty() {
                        break;
                    }
                }
            }
        }

        #[test]
        fn what_is_published_is_heard(payload in proptest::collection::vec(any::<u8>(), 0..400), id in 1_u16.., cut in 0_usize..400) {
            for version in [Version::V311, Version::V5] {
                let mut wire = Wire::new(version);
                let bytes = wire.encode(&Sent::Publish { topic: "a/b", payload: &payload, id: Some(id), again: true }).unwrap();
                let (first, second) = bytes.split_at(cut.min(bytes.len() - 1));
                prop_assert_eq!(wire.feed(first).unwrap(), (first.len(), None));
                let (_, heard) = wire.feed(second).unwrap();
                let message = Message {
                    topic: "a/b".to_owned(),
                    payload: payload.clone().into(),
                    delivery: Delivery::Exactly(id),
                    retained: false,
                    again: true,
                };
                prop_assert_eq!(heard, Some(Heard::Message(message)));
            }
        }
    }

    #[test]
    fn a_packet_over_the_limit_is_refused_at_its_first_bytes() {
        let mut wire = Wire::new(Version::V5);
        let result = wire.feed(&[0x30, 0xff, 0xff, 0xff, 0x7f]);
        assert!(matches!(result, Err(WireError::TooLarge)));
    }

    /// Found by the fuzz target `cloud_broker`.
    #[test]
    fn a_packet_without_an_identifier_is_the_brokers_fault() {
        let (message, exactly_once) = ([0x32, 5, 0, 1, b'a', 0, 0], [0x34, 5, 0, 1, b'a', 0, 0]);
        for packet in [
            &message[..],
            &exactly_once,
            &[0x50, 2, 0, 0],
            &[0x62, 2, 0, 0],
            &[0x70, 2, 0, 0],
        ] {
            let result = Wire::new(Version::V311).feed(packet);
            assert!(
                matches!(result, Err(WireError::Malformed(_))),
                "{packet:x?}: {result:?}"
            );
        }
    }
}
