//! The cloud's broker: a minimal MQTT responder over TLS that takes one connection after the other.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::{Context, Result};
use mqtt_protocol_core::mqtt::connection::role::Server;
use mqtt_protocol_core::mqtt::packet::{Packet, v3_1_1};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, SubackReturnCode};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::mqtt::{Conversation, built};
use super::tls::{patient, ran_out_of_time};
use crate::probe::printer::PATIENCE;

type Secured = StreamOwned<ServerConnection, TcpStream>;

/// A broker's port, open.
pub(crate) struct Broker(Receiver<TcpStream>);

/// How a printer introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Broker {
    /// Opens a port of 127.0.0.1.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("port {port} cannot be had for the probe's broker"))?;
        let (sender, accepted) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if sender.send(stream).is_err() {
                    break;
                }
            }
        });
        Ok(Self(accepted))
    }

    fn accept(&self, tls: &Arc<ServerConfig>) -> Result<Secured> {
        let stream = self.0.recv_timeout(PATIENCE);
        let stream = stream.context("the printer did not connect")?;
        patient(&stream)?;
        let connection = ServerConnection::new(Arc::clone(tls))?;
        Ok(StreamOwned::new(connection, stream))
    }

    /// Takes a connection, and counts the bytes that come over it once it is encrypted, until it ends.
    pub(crate) fn bytes_of_a_connection(&self, tls: &Arc<ServerConfig>) -> Result<usize> {
        let mut stream = self.accept(tls)?;
        let mut count = 0;
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(count),
                Ok(more) => count += more,
                // A printer that only waits has not refused the certificate; nobody knows what it would do next.
                Err(error) if ran_out_of_time(&error) => {
                    return Err(error)
                        .context("the printer neither spoke nor ended the connection");
                }
                Err(_) => return Ok(count),
            }
        }
    }

    /// Takes a connection and its login; a printer may begin with one by which only an old session is forgotten.
    pub(crate) fn log_in(&self, tls: &Arc<ServerConfig>) -> Result<(Guest, Login)> {
        let mut mqtt = Conversation::<Server, _>::new(self.accept(tls)?);
        let login = mqtt.hear_for(|packet| match packet {
            Packet::V3_1_1Connect(connect) => Some(Login {
                user: connect.user_name().unwrap_or_default().to_owned(),
                password: String::from_utf8_lossy(connect.password().unwrap_or_default())
                    .into_owned(),
            }),
            _ => None,
        })?;
        let connack = v3_1_1::Connack::builder()
            .session_present(false)
            .return_code(ConnectReturnCode::Accepted);
        mqtt.say(built(connack.build())?)?;
        Ok((Guest(mqtt), login))
    }
}

/// A printer that is logged in.
pub(crate) struct Guest(Conversation<Server, Secured>);

impl Guest {
    /// Grants what it subscribes to, and gives the topic of its first publication that `wanted` takes; none if it says
    /// goodbye before.
    pub(crate) fn publication(&mut self, wanted: &str) -> Result<Option<String>> {
        loop {
            match self.0.hear()? {
                Packet::V3_1_1Subscribe(subscribe) => {
                    let suback = v3_1_1::Suback::builder()
                        .packet_id(subscribe.packet_id())
                        .return_codes(vec![SubackReturnCode::SuccessMaximumQos2]);
                    self.0.say(built(suback.build())?)?;
                }
                Packet::V3_1_1Publish(publish) if publish.topic_name() == wanted => {
                    return Ok(Some(publish.topic_name().to_owned()));
                }
                Packet::V3_1_1Disconnect(_) => return Ok(None),
                _ => {}
            }
        }
    }
}
