//! The protocol of one connection, without its socket: bytes in, bytes and [`Step`]s out.
//!
//! It holds the rules for packets, topics and answers, and bounds what a peer can make it remember. It never waits,
//! reads no clock and checks no access code: its caller says when a login was right and when a command was taken.

mod answers;
mod packets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait as _, Packet, Qos};
use mqtt_protocol_core::mqtt::result_code::{DisconnectReasonCode, MqttError};
use zeroize::Zeroizing;

use super::topics::{Granted, Topics};
use crate::access::Denied;
use crate::limits;

/// One connection's protocol.
pub(super) struct Conversation {
    protocol: mqtt::Connection<mqtt::role::Server>,
    outgoing: BytesMut,
    /// The filters that were granted; there are no more of them than `Topics` knows.
    subscriptions: BTreeMap<String, (Granted, Qos)>,
    unacknowledged: usize,
    keep_alive: Duration,
    pings: bool,
    state: State,
}

/// What came of the bytes so far.
#[derive(Debug)]
pub(super) enum Step {
    /// No whole packet that is left to deal with.
    Hungry,
    /// A packet was dealt with.
    Done,
    /// A client wants to log in: [`Conversation::welcome`] or [`Conversation::refuse`] it.
    LogIn(Login),
    /// A client published to the request topic: [`Conversation::taken`] acknowledges it.
    Command(Command),
    /// The connection is to be closed once what is outgoing was sent.
    End(Ended),
}

/// What a client said of itself.
pub(super) struct Login {
    pub(super) name: String,
    pub(super) user: String,
    pub(super) password: Zeroizing<Vec<u8>>,
    asks: Asks,
}

/// A message for the printer.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) payload: Bytes,
    pub(super) stale: bool,
    delivery: Delivery,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client left")]
    Left,
    #[error("the client broke the protocol: {0}")]
    Protocol(MqttError),
    #[error("the client published where it may not")]
    Forbidden,
    #[error("the login was refused")]
    Refused,
}

/// Why the printer ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dismissal {
    ShuttingDown,
    CodeChanged,
    TakenOver,
    Silent,
    TooSlow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No CONNECT has come, or it is not answered yet.
    Stranger,
    LoggedIn,
    Ended,
}

/// What of a CONNECT its answer depends on.
#[derive(Clone, Copy)]
struct Asks {
    /// 5: the client has no name and must be told one.
    needs_name: bool,
    keep_alive: Duration,
    keep_alive_is_ours: bool,
    session_expiry: bool,
}

#[derive(Clone, Copy, Debug)]
enum Delivery {
    /// QoS 0.
    Unanswered,
    /// QoS 1.
    Acknowledged(u16),
    /// QoS 2.
    Completed(u16),
}

impl Conversation {
    pub(super) fn new() -> Self {
        let options = ConnectionOptions::new()
            .maximum_packet_size_recv(limits::PACKET_BYTES)
            .receive_maximum(limits::UNFINISHED_COMMANDS);
        let mut protocol = mqtt::Connection::with_options(Version::Undetermined, options);
        protocol.set_auto_ping_response(true);
        Self {
            protocol,
            outgoing: BytesMut::new(),
            subscriptions: BTreeMap::new(),
            unacknowledged: 0,
            keep_alive: limits::LONGEST_KEEPALIVE,
            pings: true,
            state: State::Stranger,
        }
    }

    /// Takes bytes up to the end of one packet.
    pub(super) fn receive(&mut self, input: &mut Cursor<&[u8]>, topics: &Topics) -> Step {
        if self.state == State::Ended {
            return Step::End(Ended::Left);
        }
        let events = self.protocol.recv(input);
        let step = match self.carry_out(events) {
            Ok(Some(packet)) => self.handle(packet, topics),
            // Part of a packet, or one that the protocol answered by itself.
            Ok(None) => Ok(Step::Hungry),
            Err(ended) => Err(ended),
        };
        step.unwrap_or_else(|ended| {
            self.state = State::Ended;
            Step::End(ended)
        })
    }

    /// Tells the client that it is in, and its name if it came without one.
    pub(super) fn welcome(&mut self, login: &Login, name: &str) -> Result<(), Ended> {
        let connack =
            answers::welcome(self.version(), &login.asks, name).map_err(Ended::Protocol)?;
        self.send(connack)?;
        self.keep_alive = login.asks.keep_alive;
        self.pings = self.version() == Version::V5_0 || !login.asks.keep_alive_is_ours;
        self.state = State::LoggedIn;
        Ok(())
    }

    /// Tells the client why it is not.
    pub(super) fn refuse(&mut self, denied: Denied) {
        // The connection ends anyhow: an answer that cannot be made is left out.
        let _ = answers::refuse(self.version(), denied).map(|connack| self.send(connack));
        self.state = State::Ended;
    }

    /// Acknowledges a command that the printer has.
    pub(super) fn taken(&mut self, command: &Command) -> Result<(), Ended> {
        self.acknowledge(command.delivery, true)
    }

    /// Whether the client hears reports.
    pub(super) fn wants_reports(&self) -> bool {
        self.subscriptions
            .values()
            .any(|(granted, _)| *granted == Granted::Reports)
    }

    /// Whether the client can take another report now.
    pub(super) fn has_room_for_report(&self) -> bool {
        self.has_room() && !self.owes_acknowledgements()
    }

    /// Whether nothing more is reported before the client has acknowledged something.
    pub(super) fn owes_acknowledgements(&self) -> bool {
        let may_send = self.protocol.get_receive_maximum_vacancy_for_send() != Some(0);
        let is_full = self.unacknowledged >= limits::UNACKNOWLEDGED_REPORTS || !may_send;
        self.quality() == Qos::AtLeastOnce && is_full
    }

    /// Whether the client has read enough of its answers to be heard again.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < limits::BYTES_UNSENT
    }

    /// Sends a report to a subscriber. One that is larger than it said to take is left out, as MQTT 5 demands.
    pub(super) fn report(&mut self, payload: &[u8], topics: &Topics) -> Result<(), Ended> {
        let id = match self.quality() {
            Qos::AtMostOnce => None,
            _ => Some(self.protocol.acquire_packet_id().map_err(Ended::Protocol)?),
        };
        let packet = answers::report(self.version(), topics.report(), payload, id)
            .map_err(Ended::Protocol)?;
        match self.send(packet) {
            Ok(()) => self.unacknowledged += usize::from(id.is_some()),
            Err(Ended::Protocol(MqttError::PacketTooLarge)) => {
                if let Some(id) = id {
                    self.protocol.release_packet_id(id);
                }
            }
            Err(ended) => return Err(ended),
        }
        Ok(())
    }

    /// Says farewell. Only MQTT 5 has words for it.
    pub(super) fn dismiss(&mut self, why: Dismissal) {
        if self.state == State::LoggedIn && self.version() == Version::V5_0 {
            let _ = answers::disconnect(why.into()).map(|packet| self.send(packet));
        }
        self.state = State::Ended;
    }

    /// How long the client may be silent.
    pub(super) fn may_be_silent_for(&self) -> Duration {
        self.keep_alive
    }

    /// Whether taking bytes is as good as sending some: 3.1.1 has no way to ask such a client for pings.
    pub(super) fn is_heard_by_reading(&self) -> bool {
        !self.pings
    }

    /// Bytes for the client.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// So many of them were sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.outgoing.advance(count.min(self.outgoing.len()));
        if self.outgoing.is_empty() {
            // What one large report needed is not kept for the life of the connection.
            self.outgoing = BytesMut::new();
        }
    }

    fn version(&self) -> Version {
        self.protocol.get_protocol_version()
    }

    /// The QoS at which this client hears a report: the best that was granted to it.
    fn quality(&self) -> Qos {
        let is_acknowledged = self
            .subscriptions
            .values()
            .any(|granted| *granted == (Granted::Reports, Qos::AtLeastOnce));
        if is_acknowledged {
            Qos::AtLeastOnce
        } else {
            Qos::AtMostOnce
        }
    }

    fn send(&mut self, packet: Packet) -> Result<(), Ended> {
        let events = self.protocol.send(packet);
        self.carry_out(events).map(drop)
    }

    /// Does what the protocol asks for, and gives the packet that it has received.
    fn carry_out(&mut self, events: Vec<Event>) -> Result<Option<Packet>, Ended> {
        let mut received = None;
        let mut ended = None;
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => received = Some(packet),
                Event::RequestSendPacket { packet, .. } => {
                    self.outgoing
                        .extend_from_slice(&packet.to_continuous_buffer());
                }
                // The first error is the cause; an answer to it that cannot be sent is not.
                Event::NotifyError(error) => ended = ended.or(Some(Ended::Protocol(error))),
                // The connection's own clock covers the protocol's timers; the error says why to close.
                Event::RequestClose
                | Event::NotifyPacketIdReleased(_)
                | Event::RequestTimerReset { .. }
                | Event::RequestTimerCancel(_) => {}
            }
        }
        if ended == Some(Ended::Protocol(MqttError::UnsupportedProtocolVersion)) {
            self.outgoing
                .extend_from_slice(&answers::UNSUPPORTED_VERSION);
        }
        ended.map_or(Ok(received), Err)
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Login")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl From<Dismissal> for DisconnectReasonCode {
    fn from(why: Dismissal) -> Self {
        match why {
            Dismissal::ShuttingDown => Self::ServerShuttingDown,
            Dismissal::CodeChanged => Self::NotAuthorized,
            Dismissal::TakenOver => Self::SessionTakenOver,
            Dismissal::Silent => Self::KeepAliveTimeout,
            Dismissal::TooSlow => Self::QuotaExceeded,
        }
    }
}
