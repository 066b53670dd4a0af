//! The cloud link: MQTT over TLS to the operator's broker, for as long as the printer runs.
//!
//! Commands come, and acknowledgements go, exactly once: over any number of connections, and over restarts of a broker
//! that keeps its sessions. What waited for the printer while it was off is dropped by the broker when the first
//! connection begins; what waited while the line was cut is handed on as stale. Reports are sent while they are news.
//!
//! It must never speak in clear text, believe a certificate that the settings do not, log what a message or a password
//! says, or leave a task behind.

mod connection;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod line;
mod outbox;
mod session;
mod settings;
mod wire;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::printer::{Audience, Kind, Outgoing, PrinterHandle};
use connection::{End, Memory, Parts};
use outbox::Outbox;
use session::Session;

pub use error::LinkError;
pub use session::TooManyUnreleased;
pub use settings::{Broker, BrokerError, Password, Settings, SettingsError, Trust, Version};
pub use wire::WireError;

/// How the link stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum LinkState {
    /// It is being made.
    #[default]
    Connecting,
    /// Commands arrive.
    Connected,
    /// It could not be made, or broke; it is tried again later.
    Waiting {
        /// Why, as a sentence.
        reason: String,
    },
    /// It was stopped.
    Stopped,
}

/// Runs the link until `stop`, or until the printer has stopped. Certificates are judged by no time before `passed`.
///
/// # Errors
/// Only if TLS cannot be set up at all.
pub async fn run(
    settings: Settings,
    serial: &str,
    printer: PrinterHandle,
    state: watch::Sender<LinkState>,
    passed: Timestamp,
    stop: CancellationToken,
) -> Result<(), rustls::Error> {
    let messages = printer.subscribe();
    let parts = Parts {
        tls: Arc::new(settings.tls(passed)?),
        settings,
        serial: serial.to_owned(),
        requests: format!("device/{serial}/request"),
        reports: format!("device/{serial}/report"),
        printer,
        outbox: Outbox::default(),
        state,
        stop,
    };
    tokio::select! {
        () = collect(messages, &parts.outbox) => {}
        () = connect(&parts) => {}
    }
    parts.state.send_replace(LinkState::Stopped);
    Ok(())
}

/// Takes what the printer says, also while there is no connection: it must not fall behind.
async fn collect(mut messages: Receiver<Outgoing>, outbox: &Outbox) {
    loop {
        match messages.recv().await {
            Ok(message) if message.to == Audience::Lan => {}
            Ok(message) if message.kind == Kind::Status => outbox.report(message.payload),
            Ok(message) => {
                let dropped = outbox.acknowledge(message.payload);
                if dropped > 0 {
                    tracing::warn!(
                        dropped,
                        "the cloud is away for so long that answers to it are lost"
                    );
                }
            }
            Err(RecvError::Lagged(count)) => {
                tracing::warn!(count, "the cloud link fell behind the printer");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// One connection after the other.
async fn connect(parts: &Parts) {
    let mut failures = 0_u32;
    let mut memory = Memory {
        session: Session::default(),
        forget: true,
    };
    loop {
        parts.state.send_replace(LinkState::Connecting);
        let begun = Instant::now();
        let error = match connection::run(parts, &mut memory).await {
            Ok(End::Stopped) => return,
            Ok(End::Forgotten) => continue,
            Err(error) => error,
        };
        memory.forget |= error.condemns_session();
        failures = if begun.elapsed() >= limits::STABLE {
            1
        } else {
            failures.saturating_add(1)
        };
        let wait = parts.settings.backoff.delay(failures);
        tracing::warn!(%error, wait_ms = wait.as_millis(), "the cloud is not connected");
        let reason = error.to_string();
        parts.state.send_replace(LinkState::Waiting { reason });
        tokio::select! {
            () = sleep(wait) => {}
            () = parts.stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests;
