//! `lan-mqtts`: control over the LAN is MQTT over TLS 1.2 or 1.3, with the access code, and nothing else.

use anyhow::Result;
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, SupportedProtocolVersion};
use serde_json::json;

use super::{Observations, told};
use crate::probe::bench::Bench;
use crate::probe::peer::owner::{MQTT_PORT, Owner};
use crate::probe::peer::tls;

/// A CONNECT as MQTT 3.1.1 has it, by a client called `x`.
const CONNECT: &[u8] = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x";
/// The type of a CONNACK, and of an alert in TLS.
const CONNACK: u8 = 0x20;
const ALERT: u8 = 21;
/// A ClientHello of TLS 1.1 with two suites of its time, and no extension that speaks of anything newer.
const CLIENT_HELLO_1_1: &[u8] = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x02\
    0123456789abcdef0123456789abcdef\x00\x00\x04\x00\x2f\x00\x35\x01\x00";

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let owner = bench.owner()?;
    let mut seen = Observations::default();
    for (version, name) in [(&TLS12, "TLS 1.2"), (&TLS13, "TLS 1.3")] {
        let agreed = handshake(&owner, version).or_else(told)?;
        seen.note(format!("handshake of {name}"), name, agreed);
    }
    let answered = |code: &str| match owner.log_in(code) {
        Ok((_, answer)) => Ok(connack(answer)),
        Err(error) => told(error),
    };
    seen.note(
        "login with the access code",
        "CONNACK 0",
        answered(&owner.code)?,
    );
    seen.note(
        "login with another code",
        "CONNACK 5",
        answered("00000000-not-it")?,
    );
    let version = ask_for_version(&owner).or_else(told)?;
    seen.note("a command", "answered", version);
    let answer = tls::answer_to(MQTT_PORT, CONNECT)?;
    let clear = match answer.first() {
        Some(&CONNACK) => "an MQTT answer",
        _ => "no MQTT answer",
    };
    seen.note("MQTT in clear text", "no MQTT answer", clear);
    let answer = tls::answer_to(MQTT_PORT, CLIENT_HELLO_1_1)?;
    let old = match answer.first() {
        Some(&ALERT) => "a TLS alert",
        Some(_) => "another answer",
        None => "no answer",
    };
    seen.note("handshake of TLS 1.1", "a TLS alert", old);
    Ok(seen)
}

/// The version that was agreed upon, the printer's certificate verified.
fn handshake(owner: &Owner, version: &'static SupportedProtocolVersion) -> Result<String> {
    let secured = tls::secure(tls::plain(MQTT_PORT)?, &owner.tls(&[version])?)?;
    Ok(match secured.conn.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    })
}

fn connack(answer: ConnectReturnCode) -> String {
    format!("CONNACK {}", answer as u8)
}

fn ask_for_version(owner: &Owner) -> Result<String> {
    let mut session = owner.listen()?;
    session.command("info", json!({"command": "get_version"}))?;
    Ok("answered".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_greeting_is_as_long_as_it_says_and_of_the_old_version() {
        let record = usize::from(u16::from_be_bytes([
            CLIENT_HELLO_1_1[3],
            CLIENT_HELLO_1_1[4],
        ]));
        assert_eq!(CLIENT_HELLO_1_1.len(), 5 + record);
        let hello = usize::from(CLIENT_HELLO_1_1[8]);
        assert_eq!(record, 4 + hello);
        assert_eq!(CLIENT_HELLO_1_1[9..11], [3, 2]);
        assert_eq!(CONNECT.len(), 2 + usize::from(CONNECT[1]));
    }
}
