//! mosquitto with its dynamic-security plugin: printers are let in by commands to the broker, and their time there ends
//! by commands too.
//!
//! When a printer's time ends stands in the broker itself, beside the printer. So nothing is lost with a gate, and any
//! gate can end it.

mod commands;
mod line;

use std::sync::Arc;

use firstlayer_census::Serial;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::Credentials;
use crate::census::{tick, ticks};
use crate::limits::{BROKER, PAGE};
use crate::secret::Secret;
use commands::{Client, Response};
use line::Line;

/// Connections at a time: each is one TLS handshake and a few packets.
const AT_ONCE: usize = 8;
/// How often printers whose time has ended are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// The broker, and with whose word it is asked.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name in its certificate.
    pub server_name: ServerName<'static>,
    /// Whose certificates are believed.
    pub tls: Arc<rustls::ClientConfig>,
    /// A user that may command the plugin.
    pub username: String,
    /// The user's password.
    pub password: Secret,
}

/// Why the broker did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// No connection, or it broke.
    #[error("the connection to the broker failed")]
    Connection(#[source] std::io::Error),
    /// It does not answer.
    #[error("the broker does not answer within {} s", BROKER.as_secs())]
    Slow,
    /// It speaks something else than MQTT.
    #[error("the broker sent what is no packet of MQTT")]
    Malformed,
    /// The gate may not log in, or not command.
    #[error("the broker refuses the gate: {0}")]
    Refused(&'static str),
    /// The plugin refused a command, in its own words.
    #[error("the broker refuses {command}: {why}")]
    Command {
        /// The command.
        command: String,
        /// Why.
        why: String,
    },
}

/// Commands the broker. Connects for each errand: nothing has to be kept up, and nothing is left half done.
#[derive(Debug)]
pub struct Broker {
    settings: BrokerSettings,
    errands: Semaphore,
}

impl Broker {
    /// A broker. Connects when there is something to do.
    pub fn new(settings: BrokerSettings) -> Self {
        Self {
            settings,
            errands: Semaphore::new(AT_ONCE),
        }
    }

    /// Lets a printer in with these credentials, in place of any before, to its own topics alone.
    ///
    /// # Errors
    /// It is not let in.
    pub async fn admit(&self, credentials: &Credentials) -> Result<(), BrokerError> {
        let responses = self.command(commands::admit(credentials)).await?;
        responses.iter().try_for_each(Response::check)
    }

    /// Ends the time of every printer whose time it is; says how many they were.
    ///
    /// # Errors
    /// The broker cannot be asked.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, BrokerError> {
        let ended: Vec<Serial> = self
            .clients()
            .await?
            .iter()
            .filter_map(|client| client.ended(now))
            .collect();
        for some in ended.chunks(PAGE) {
            let commands = some.iter().flat_map(commands::dismiss).collect();
            let responses = self.command(commands).await?;
            responses.iter().try_for_each(Response::check)?;
        }
        Ok(ended.len())
    }

    async fn clients(&self) -> Result<Vec<Client>, BrokerError> {
        let mut all = Vec::new();
        loop {
            let responses = self.command(vec![commands::list(all.len())]).await?;
            responses.iter().try_for_each(Response::check)?;
            let page = responses.into_iter().flat_map(Response::into_clients);
            let known = all.len();
            all.extend(page);
            if all.len() < known + PAGE {
                return Ok(all);
            }
        }
    }

    async fn command(&self, commands: Vec<Value>) -> Result<Vec<Response>, BrokerError> {
        let errand = async {
            // The semaphore is never closed.
            let _turn = self.errands.acquire().await;
            let mut line = Line::open(&self.settings).await?;
            let responses = line.ask(commands).await;
            line.leave().await;
            responses
        };
        timeout(BROKER, errand)
            .await
            .map_err(|_| BrokerError::Slow)?
    }
}

/// Ends printers' times again and again.
pub async fn keep_swept(broker: Arc<Broker>, stop: CancellationToken) {
    let mut next = ticks(SWEEP);
    while tick(&mut next, &stop).await {
        match broker.sweep(Timestamp::now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "credentials of printers have ended at the broker"),
            Err(error) => {
                let why = crate::with_causes(&error);
                tracing::error!(%why, "credentials that have expired could not be ended at the broker");
            }
        }
    }
}
