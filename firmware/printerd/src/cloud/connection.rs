//! One connection: greeted, subscribed, and then everything that goes either way until it ends.
//!
//! It must never hand on a command as fresh that may be older than the connection. The broker keeps commands in their
//! order; so a marker, sent to the printer's own commands once they are subscribed to, comes back behind every command
//! that was waiting. Until then, commands are stale. A broker that does not give the marker back makes all of them so.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    LinkState,
    error::LinkError,
    limits::{ANSWER, GOODBYE},
    line::Line,
    outbox::Outbox,
    session::{Session, To},
    settings::Settings,
    wire::{Accepted, Delivery, Greeting, Heard, Message, Sent},
};
use crate::printer::{Audience, Incoming, Origin, PrinterHandle};

/// What every marker begins with, so that one of an earlier connection is told from a command.
const MARKER: &[u8] = b"{\"link\":{\"marker\":\"";

/// What all connections of a link share.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) serial: String,
    pub(super) requests: String,
    pub(super) reports: String,
    pub(super) printer: PrinterHandle,
    pub(super) outbox: Outbox,
    pub(super) state: watch::Sender<LinkState>,
    pub(super) stop: CancellationToken,
}

/// How a connection ended that did not fail.
pub(super) enum End {
    /// It was to stop.
    Stopped,
    /// Its only purpose was that the broker forget the session.
    Forgotten,
}

/// What a connection needs to know of the one before, and says to the one after.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) session: Session,
    /// The broker is to forget what it has for this printer. So it is when the process begins, and when a session
    /// can only bring the same failure again.
    pub(super) forget: bool,
}

/// Runs one connection.
pub(super) async fn run(parts: &Parts, memory: &mut Memory) -> Result<End, LinkError> {
    let opening = async {
        let mut line = Line::open(
            &parts.settings.broker,
            parts.tls.clone(),
            parts.settings.version,
        )
        .await?;
        let accepted = greet(parts, &mut line, memory.forget).await?;
        Ok::<_, LinkError>((line, accepted))
    };
    let (line, accepted) = tokio::select! {
        opened = opening => opened?,
        () = parts.stop.cancelled() => return Ok(End::Stopped),
    };
    if memory.forget && accepted.session_present {
        return Err(LinkError::Protocol(
            "it kept a session that it was to forget",
        ));
    }
    if std::mem::take(&mut memory.forget) {
        // With 3.1.1, a session that begins clean ends with its connection; with 5, mosquitto 2.0 does not keep it over
        // a restart of its own. So the session that is to last begins with a connection of its own.
        line.leave(GOODBYE).await;
        return Ok(End::Forgotten);
    }
    memory
        .session
        .connected(accepted.session_present, accepted.window);
    let keepalive = accepted
        .keepalive
        .map_or(parts.settings.keepalive, |seconds| {
            Duration::from_secs(seconds.into())
        });
    let connection = Connection {
        parts,
        session: &mut memory.session,
        line,
        largest: usize::try_from(accepted.largest_packet).unwrap_or(usize::MAX),
        // A broker that wants no pings gets them all the same: how else would a dead line be noticed?
        pause: match keepalive {
            Duration::ZERO => parts.settings.keepalive,
            keepalive => keepalive.mul_f64(0.75),
        },
        marker: Marker::new(),
        fresh: false,
        fresh_by: None,
    };
    parts.outbox.set_connected(true);
    let end = connection.run().await;
    parts.outbox.set_connected(false);
    end
}

async fn greet(parts: &Parts, line: &mut Line, clean: bool) -> Result<Accepted, LinkError> {
    let settings = &parts.settings;
    let greeting = Greeting {
        client: &parts.serial,
        username: &settings.username,
        password: settings.password.as_ref(),
        keepalive: u16::try_from(settings.keepalive.as_secs()).unwrap_or(u16::MAX),
        clean,
    };
    line.greet(&greeting).await?;
    match heard_before(line, Instant::now() + ANSWER, "accept the printer").await? {
        Heard::Accepted(accepted) if !accepted.exactly_once => Err(LinkError::NotExactlyOnce),
        Heard::Accepted(accepted) => Ok(accepted),
        Heard::Refused(reason) => Err(LinkError::Refused(reason)),
        _ => Err(LinkError::Protocol("it spoke before it accepted")),
    }
}

async fn heard_before(
    line: &mut Line,
    deadline: Instant,
    what: &'static str,
) -> Result<Heard, LinkError> {
    timeout_at(deadline, line.hear())
        .await
        .map_err(|_| LinkError::Slow(what))?
}

struct Connection<'a> {
    parts: &'a Parts,
    session: &'a mut Session,
    line: Line,
    largest: usize,
    pause: Duration,
    marker: Marker,
    fresh: bool,
    /// When it is worth a word that the marker did not come back.
    fresh_by: Option<Instant>,
}

impl Connection<'_> {
    async fn run(mut self) -> Result<End, LinkError> {
        let id = self.session.free_id();
        let topic = &self.parts.requests;
        self.line.say(&Sent::Subscribe { topic, id }).await?;
        let mut granted_by = Some(Instant::now() + ANSWER);
        let mut heard_by = None;
        let mut ping = Instant::now() + self.pause;
        loop {
            self.send_waiting().await?;
            tokio::select! {
                biased;
                () = self.parts.stop.cancelled() => {
                    self.line.leave(GOODBYE).await;
                    return Ok(End::Stopped);
                }
                () = passed(granted_by) => return Err(LinkError::Slow("grant the subscription")),
                () = passed(heard_by) => return Err(LinkError::Slow("answer a ping")),
                () = sleep_until(ping) => {
                    self.line.say(&Sent::Ping).await?;
                    ping = Instant::now() + self.pause;
                    heard_by = heard_by.or(Some(ping));
                }
                heard = self.line.hear() => {
                    heard_by = None;
                    match heard? {
                        Heard::Subscribed { granted: false } => return Err(LinkError::NotGranted),
                        Heard::Subscribed { granted: true } => {
                            granted_by = None;
                            if !self.subscribed().await {
                                return Ok(End::Stopped);
                            }
                        }
                        heard => if !self.react(heard).await? {
                            return Ok(End::Stopped);
                        }
                    }
                }
                () = self.parts.outbox.more() => {}
                () = passed(self.fresh_by) => {
                    self.fresh_by = None;
                    tracing::warn!(
                        topic = %self.parts.requests,
                        "the broker does not return what the printer publishes there: cloud jobs count as stale",
                    );
                }
            }
        }
    }

    /// `false` when it is to stop.
    async fn subscribed(&mut self) -> bool {
        self.session.mark(self.marker.0.clone());
        self.fresh_by = Some(Instant::now() + ANSWER);
        self.parts.state.send_replace(LinkState::Connected);
        tracing::info!(broker = %self.parts.settings.broker.host, "the cloud is connected");
        tokio::select! {
            asked = self.parts.printer.report(Audience::Cloud) => asked.is_ok(),
            () = self.parts.stop.cancelled() => false,
        }
    }

    /// Sends what has waited and what there is room for.
    async fn send_waiting(&mut self) -> Result<(), LinkError> {
        let parts = self.parts;
        // Room for the header, the topic and an identifier.
        let longest = self.largest.saturating_sub(parts.reports.len() + 16);
        let fits = |payload: &Bytes| {
            let fits = payload.len() <= longest;
            if !fits {
                tracing::warn!(
                    bytes = payload.len(),
                    "a message is too large for the broker"
                );
            }
            fits
        };
        while let Some(next) = self
            .session
            .next(|| std::iter::from_fn(|| parts.outbox.next_ack()).find(fits))
        {
            let packet = next.packet(|to| match to {
                To::Report => &parts.reports,
                To::Requests => &parts.requests,
            });
            self.line.say(&packet).await?;
        }
        while let Some(payload) = std::iter::from_fn(|| parts.outbox.next_report()).find(fits) {
            let packet = Sent::Publish {
                topic: &parts.reports,
                payload: &payload,
                id: None,
                again: false,
            };
            self.line.say(&packet).await?;
        }
        Ok(())
    }

    /// `false` when it is to stop.
    async fn react(&mut self, heard: Heard) -> Result<bool, LinkError> {
        let reply = match heard {
            Heard::Message(message) => {
                let (new, reply) = self.session.message(&message)?;
                // First to the printer, then the receipt: what the broker may forget must be here.
                if new && !self.hand_on(message).await {
                    return Ok(false);
                }
                reply
            }
            Heard::Release(id) => Some(self.session.release(id)),
            Heard::Received { id, accepted } => {
                let (taken, reply) = self.session.received(id, accepted);
                if !taken {
                    tracing::warn!("the broker refused a message of the printer");
                }
                reply
            }
            Heard::Complete(id) => {
                self.session.complete(id);
                None
            }
            Heard::Goodbye(reason) => return Err(LinkError::Goodbye(reason)),
            Heard::Accepted(_) | Heard::Refused(_) => {
                return Err(LinkError::Protocol("it accepted the printer twice"));
            }
            Heard::Subscribed { .. } | Heard::Other => None,
        };
        if let Some(reply) = reply {
            self.line.say(&Sent::Reply(reply)).await?;
        }
        Ok(true)
    }

    /// `false` when it is to stop.
    async fn hand_on(&mut self, message: Message) -> bool {
        if message.topic != self.parts.requests {
            tracing::warn!("the broker sent a message of another topic");
            return true;
        }
        if message.payload.starts_with(MARKER) {
            if message.payload == self.marker.0 {
                (self.fresh, self.fresh_by) = (true, None);
            }
            return true;
        }
        // What may come twice, or was kept for whoever comes, starts nothing.
        let repeated = message.again && matches!(message.delivery, Delivery::AtLeast(_));
        let incoming = Incoming {
            payload: message.payload,
            origin: Origin::Cloud,
            stale: !self.fresh || message.retained || repeated,
        };
        tokio::select! {
            submitted = self.parts.printer.submit(incoming) => submitted.is_ok(),
            () = self.parts.stop.cancelled() => false,
        }
    }
}

/// A text that no connection before has sent.
struct Marker(Bytes);

impl Marker {
    fn new() -> Self {
        let mut nonce = [0; 16];
        // Without randomness it is a marker that an earlier one may equal, and the clock makes up for that.
        if rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut nonce)
            .is_err()
        {
            nonce = jiff::Timestamp::now().as_nanosecond().to_be_bytes();
        }
        let mut text = MARKER.to_vec();
        text.extend(format!("{:032x}\"}}}}", u128::from_be_bytes(nonce)).into_bytes());
        Self(text.into())
    }
}

/// Until a time, or for ever if there is none.
async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
