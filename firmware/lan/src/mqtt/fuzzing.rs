//! Entry point for a fuzz target; no part of the API.

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::packet::{Qos, SubEntry, SubOpts, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::MqttError;

use super::conversation::{Conversation, Step};
use super::topics::Topics;
use crate::limits;

const SERIAL: &str = "01P00A";
const REPORT: &[u8] = b"{\"print\":{\"command\":\"push_status\"}}";

/// How a client begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With nothing: the bytes are all that it says.
    Stranger,
    /// Logged in and subscribed, in 3.1.1.
    MemberOf3,
    /// Logged in and subscribed, in 5.
    MemberOf5,
}

/// A client that says `bytes` in pieces of `piece`, with its code right whatever it is, to a printer that takes every
/// command and reports after each piece.
///
/// # Panics
/// A bound of the conversation is broken.
pub fn client(start: Start, bytes: &[u8], piece: usize) {
    let topics = Topics::new(SERIAL);
    let mut conversation = Conversation::new();
    let opening = opening(start, &topics).unwrap_or_default();
    say(&mut conversation, &opening, &topics);
    let is_member = start != Start::Stranger;
    assert_eq!(conversation.wants_reports(), is_member, "the opening");
    let mut commands = 0;
    for piece in bytes.chunks(piece.max(1)) {
        match say(&mut conversation, piece, &topics) {
            Some(taken) => commands += taken,
            None => return,
        }
    }
    assert!(commands <= bytes.len(), "a command takes a byte at least");
}

/// CONNECT and SUBSCRIBE, in either version.
macro_rules! opening {
    ($version:ident, $topics:expr) => {{
        let options = SubOpts::new().set_qos(Qos::AtLeastOnce);
        let wish = SubEntry::new($topics.report(), options)?;
        let connect = $version::Connect::builder().client_id("slicer")?.build()?;
        let subscribe = $version::Subscribe::builder()
            .packet_id(1)
            .entries(vec![wish])
            .build()?;
        [
            connect.to_continuous_buffer(),
            subscribe.to_continuous_buffer(),
        ]
        .concat()
    }};
}

/// The packets before the bytes.
fn opening(start: Start, topics: &Topics) -> Result<Vec<u8>, MqttError> {
    Ok(match start {
        Start::Stranger => Vec::new(),
        Start::MemberOf3 => opening!(v3_1_1, topics),
        Start::MemberOf5 => opening!(v5_0, topics),
    })
}

/// The commands that a piece brought, or nothing if the connection is over.
fn say(conversation: &mut Conversation, piece: &[u8], topics: &Topics) -> Option<usize> {
    let mut input = Cursor::new(piece);
    let mut commands = 0;
    loop {
        match conversation.receive(&mut input, topics) {
            Step::Hungry if input.position() >= piece.len() as u64 => break,
            Step::Hungry | Step::Done => {}
            Step::LogIn(login) => conversation.welcome(&login, "fuzzed").ok()?,
            Step::Command(command) => {
                conversation.taken(&command).ok()?;
                commands += 1;
            }
            Step::End(_) => return None,
        }
        // A peer that reads as fast as it is answered.
        drain(conversation);
    }
    if conversation.wants_reports() && conversation.has_room_for_report() {
        conversation.report(REPORT, topics).ok()?;
    }
    drain(conversation);
    Some(commands)
}

fn drain(conversation: &mut Conversation) {
    let waiting = conversation.outgoing().len();
    let most = limits::BYTES_UNSENT + limits::PACKET_BYTES as usize;
    assert!(waiting <= most, "{waiting} bytes of answers to one packet");
    conversation.sent(waiting);
}
