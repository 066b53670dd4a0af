//! The printer's owner on the LAN: knows the access code and the printer's authority, sends commands, hears reports.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use mqtt_protocol_core::mqtt::connection::role::Client;
use mqtt_protocol_core::mqtt::packet::{Packet, Qos, SubEntry, SubOpts, v3_1_1};
use mqtt_protocol_core::mqtt::result_code::ConnectReturnCode;
use rustls::{ALL_VERSIONS, ClientConfig, SupportedProtocolVersion};
use serde_json::{Value, json};

use super::mqtt::{Conversation, built};
use super::tls::{self, Secured};
use crate::probe::printer::{Printer, SERIAL};

pub(crate) const MQTT_PORT: u16 = 8883;
pub(crate) const FTPS_PORT: u16 = 990;
/// The user as which LAN clients log in.
pub(crate) const USER: &str = "bblp";

/// What an owner has read off the printer.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) code: String,
    authority: String,
}

impl Owner {
    /// Turns LAN mode on, and asks the printer's own command line for both.
    pub(crate) fn of(printer: &Printer) -> Result<Self> {
        printer.report(&["lan", "on"])?;
        let text = |report: Value, key: &str| {
            let text = report.get(key).and_then(Value::as_str).map(str::to_owned);
            text.with_context(|| format!("the printer's report has no {key}"))
        };
        Ok(Self {
            code: text(printer.report(&["access-code"])?, "access_code")?,
            authority: text(printer.report(&["certificate"])?, "authority")?,
        })
    }

    /// Believes the printer's authority and nothing else, in these versions of TLS.
    pub(crate) fn tls(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Arc<ClientConfig>> {
        tls::client(&self.authority, versions)
    }

    /// Logs in to the printer's broker with this code, and says how that was answered.
    pub(crate) fn log_in(&self, code: &str) -> Result<(Session, ConnectReturnCode)> {
        let stream = tls::secure(tls::plain(MQTT_PORT)?, &self.tls(ALL_VERSIONS)?)?;
        let mut mqtt = Conversation::<Client, _>::new(stream);
        let connect = v3_1_1::Connect::builder()
            .client_id("probe")
            .and_then(|connect| connect.user_name(USER)?.password(code));
        mqtt.say(built(
            connect.and_then(|connect| connect.clean_session(true).build()),
        )?)?;
        let answer = mqtt.hear_for(|packet| match packet {
            Packet::V3_1_1Connack(connack) => Some(connack.return_code()),
            _ => None,
        })?;
        Ok((Session { mqtt, sent: 0 }, answer))
    }

    /// Logs in with the right code, and listens to the printer's reports.
    pub(crate) fn listen(&self) -> Result<Session> {
        let (mut session, answer) = self.log_in(&self.code)?;
        ensure!(
            answer == ConnectReturnCode::Accepted,
            "the access code was refused: {answer:?}"
        );
        session.subscribe()?;
        Ok(session)
    }
}

/// An owner's client that is logged in.
pub(crate) struct Session {
    mqtt: Conversation<Client, Secured>,
    sent: u16,
}

impl Session {
    fn subscribe(&mut self) -> Result<()> {
        let options = SubOpts::new().set_qos(Qos::AtMostOnce);
        let entry = built(SubEntry::new(format!("device/{SERIAL}/report"), options))?;
        let subscribe = v3_1_1::Subscribe::builder()
            .packet_id(self.mqtt_id()?)
            .entries(vec![entry])
            .build();
        self.mqtt.say(built(subscribe)?)?;
        self.mqtt
            .hear_for(|packet| matches!(packet, Packet::V3_1_1Suback(_)).then_some(()))
    }

    fn mqtt_id(&mut self) -> Result<u16> {
        built(self.mqtt.free_id())
    }

    /// Sends a command `{kind: {command: …, …}}`, and gives the printer's answer to it.
    pub(crate) fn command(&mut self, kind: &str, mut body: Value) -> Result<Value> {
        self.sent = self.sent.saturating_add(1);
        let sequence = (20_000 + u32::from(self.sent)).to_string();
        if let Some(body) = body.as_object_mut() {
            body.insert("sequence_id".to_owned(), sequence.clone().into());
        }
        let publish = v3_1_1::Publish::builder()
            .topic_name(format!("device/{SERIAL}/request"))
            .map(|publish| publish.payload(json!({ kind: body }).to_string().into_bytes()));
        self.mqtt
            .say(built(publish.and_then(|publish| publish.build()))?)?;
        self.hear(|report| {
            let answer = report.get(kind)?;
            (answer.get("sequence_id")? == sequence.as_str()).then(|| answer.clone())
        })
    }

    /// The first report of which `take` makes something.
    pub(crate) fn hear<T>(&mut self, mut take: impl FnMut(&Value) -> Option<T>) -> Result<T> {
        self.mqtt.hear_for(|packet| match packet {
            Packet::V3_1_1Publish(publish) => {
                take(&serde_json::from_slice(publish.payload().as_slice()).ok()?)
            }
            _ => None,
        })
    }
}
