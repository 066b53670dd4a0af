//! MQTT 3.1.1 over a stream, in either role. Packets are mqtt-protocol-core's.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{Event, role::RoleType};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet};
use mqtt_protocol_core::mqtt::result_code::MqttError;
use mqtt_protocol_core::mqtt::{Connection, Version};

use crate::probe::printer::PATIENCE;

/// One connection's packets.
pub(crate) struct Conversation<R: RoleType, S> {
    stream: S,
    mqtt: Connection<R>,
    heard: VecDeque<Packet>,
}

impl<R: RoleType, S: Read + Write> Conversation<R, S> {
    /// Nothing is said yet.
    pub(crate) fn new(stream: S) -> Self {
        let mut mqtt = Connection::new(Version::V3_1_1);
        mqtt.set_auto_pub_response(true);
        mqtt.set_auto_ping_response(true);
        Self {
            stream,
            mqtt,
            heard: VecDeque::new(),
        }
    }

    /// Sends a packet.
    pub(crate) fn say(&mut self, packet: impl Into<Packet>) -> Result<()> {
        let events = self.mqtt.send(packet.into());
        self.apply(events)
    }

    /// The next packet.
    pub(crate) fn hear(&mut self) -> Result<Packet> {
        loop {
            if let Some(packet) = self.heard.pop_front() {
                return Ok(packet);
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).context("no MQTT answer")?;
            ensure!(count > 0, "the connection was ended");
            let bytes = buffer.get(..count).unwrap_or_default();
            let mut cursor = Cursor::new(bytes);
            while cursor.position() < count as u64 {
                let events = self.mqtt.recv(&mut cursor);
                self.apply(events)?;
            }
        }
    }

    /// The first packet of which `take` makes something; others are passed over.
    pub(crate) fn hear_for<T>(&mut self, mut take: impl FnMut(Packet) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(taken) = take(self.hear()?) {
                return Ok(taken);
            }
        }
        let seconds = PATIENCE.as_secs();
        Err(io::Error::from(ErrorKind::TimedOut))
            .with_context(|| format!("what was waited for did not come in {seconds} s"))
    }

    /// An identifier for a packet that waits for its answer.
    pub(crate) fn free_id(&mut self) -> Result<u16, MqttError> {
        self.mqtt.acquire_packet_id()
    }

    fn apply(&mut self, events: Vec<Event>) -> Result<()> {
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => self.heard.push_back(packet),
                Event::RequestSendPacket { packet, .. } => {
                    self.stream.write_all(&packet.to_continuous_buffer())?;
                    self.stream.flush()?;
                }
                Event::NotifyError(error) => return Err(anyhow!("MQTT was broken: {error:?}")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A packet that could not be built is a mistake of the probe's own.
pub(crate) fn built<T, E: std::fmt::Debug>(packet: Result<T, E>) -> Result<T> {
    packet.map_err(|error| anyhow!("a packet could not be made: {error:?}"))
}
