/// A CONNECT to go on with; the builders have no name that a function could give.
macro_rules! connect_3 {
    () => {
        v3_1_1::Connect::builder()
            .client_id("slicer")
            .unwrap()
            .keep_alive(60)
            .user_name("bblp")
            .unwrap()
            .password("right2code")
            .unwrap()
    };
}

macro_rules! connect_5 {
    () => {
        v5_0::Connect::builder()
            .client_id("slicer")
            .unwrap()
            .keep_alive(60)
            .user_name("bblp")
            .unwrap()
            .password("right2code")
            .unwrap()
    };
}

mod hostile;
mod rules;

use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::Event;
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait as _, Packet, Qos, SubEntry, SubOpts, v3_1_1, v5_0,
};

use super::{Conversation, Step};
use crate::mqtt::topics::Topics;

const REPORT: &str = "device/01P00A/report";
const REQUEST: &str = "device/01P00A/request";
const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5_0];

fn topics() -> Topics {
    Topics::new("01P00A")
}

/// A client and its conversation, joined without a socket.
struct Pair {
    client: mqtt::Connection<mqtt::role::Client>,
    conversation: Conversation,
    version: Version,
}

impl Pair {
    /// Before the CONNECT.
    fn stranger(version: Version) -> Self {
        let mut client = mqtt::Connection::new(version);
        client.set_auto_pub_response(true);
        Self {
            client,
            conversation: Conversation::new(),
            version,
        }
    }

    /// After the CONNACK.
    fn member(version: Version) -> Self {
        let mut pair = Self::stranger(version);
        let steps = pair.send(connect(version));
        pair.welcome(&steps);
        pair
    }

    fn welcome(&mut self, steps: &[Step]) -> Vec<Packet> {
        let [Step::LogIn(login)] = steps else {
            panic!("no login: {steps:?}");
        };
        self.conversation.welcome(login, "given").unwrap();
        self.answers()
    }

    /// Sends a packet as the client would.
    fn send(&mut self, packet: Packet) -> Vec<Step> {
        let mut bytes = Vec::new();
        for event in self.client.send(packet) {
            match event {
                Event::RequestSendPacket { packet, .. } => {
                    bytes.extend(packet.to_continuous_buffer())
                }
                Event::NotifyError(error) => panic!("the client cannot send: {error}"),
                _ => {}
            }
        }
        self.send_bytes(&bytes)
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Vec<Step> {
        let mut input = Cursor::new(bytes);
        let mut steps = Vec::new();
        while input.position() < bytes.len() as u64 {
            match self.conversation.receive(&mut input, &topics()) {
                Step::Hungry => {}
                Step::End(ended) => {
                    steps.push(Step::End(ended));
                    break;
                }
                step => steps.push(step),
            }
        }
        steps
    }

    /// What the client makes of what was sent to it; its own answers go back.
    fn answers(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while !self.conversation.outgoing().is_empty() {
            let bytes = self.conversation.outgoing().to_vec();
            self.conversation.sent(bytes.len());
            let mut input = Cursor::new(bytes.as_slice());
            let mut back = Vec::new();
            while input.position() < bytes.len() as u64 {
                for event in self.client.recv(&mut input) {
                    match event {
                        Event::NotifyPacketReceived(packet) => packets.push(packet),
                        Event::RequestSendPacket { packet, .. } => {
                            back.extend(packet.to_continuous_buffer())
                        }
                        Event::NotifyError(error) => panic!("the client objects: {error}"),
                        _ => {}
                    }
                }
            }
            self.send_bytes(&back);
        }
        packets
    }

    fn answer(&mut self) -> Packet {
        let mut packets = self.answers();
        assert_eq!(packets.len(), 1, "{packets:?}");
        packets.remove(0)
    }

    fn publish(&mut self, topic: &str, qos: Qos, retain: bool) -> Packet {
        let id = (qos != Qos::AtMostOnce).then(|| self.client.acquire_packet_id().unwrap());
        match self.version {
            Version::V5_0 => {
                let publish = v5_0::Publish::builder().topic_name(topic).unwrap().qos(qos);
                publish
                    .packet_id(id)
                    .retain(retain)
                    .payload("{}")
                    .build()
                    .unwrap()
                    .into()
            }
            _ => {
                let publish = v3_1_1::Publish::builder()
                    .topic_name(topic)
                    .unwrap()
                    .qos(qos);
                publish
                    .packet_id(id)
                    .retain(retain)
                    .payload("{}")
                    .build()
                    .unwrap()
                    .into()
            }
        }
    }

    fn subscribe(&mut self, filters: &[(&str, Qos)]) -> Packet {
        let id = self.client.acquire_packet_id().unwrap();
        let entry = |(filter, qos): &(&str, Qos)| {
            SubEntry::new(*filter, SubOpts::new().set_qos(*qos)).unwrap()
        };
        let entries: Vec<_> = filters.iter().map(entry).collect();
        let packet: Packet = match self.version {
            Version::V5_0 => v5_0::Subscribe::builder()
                .packet_id(id)
                .entries(entries)
                .build()
                .unwrap()
                .into(),
            _ => v3_1_1::Subscribe::builder()
                .packet_id(id)
                .entries(entries)
                .build()
                .unwrap()
                .into(),
        };
        assert!(matches!(self.send(packet).as_slice(), [Step::Done]));
        self.answer()
    }
}

fn connect(version: Version) -> Packet {
    match version {
        Version::V5_0 => connect_5!().build().unwrap().into(),
        _ => connect_3!().build().unwrap().into(),
    }
}

/// The SUBACK's codes as bytes.
fn codes(suback: &Packet) -> Vec<u8> {
    match suback {
        Packet::V3_1_1Suback(suback) => suback
            .return_codes()
            .iter()
            .map(|code| *code as u8)
            .collect(),
        Packet::V5_0Suback(suback) => suback
            .reason_codes()
            .iter()
            .map(|code| *code as u8)
            .collect(),
        other => panic!("no SUBACK: {other:?}"),
    }
}
