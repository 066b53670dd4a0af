//! How the links and the console reach the printer.

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, watch};

use super::snapshot::Snapshot;
use crate::protocol::Decision;

/// A request as a link received it.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// One JSON object.
    pub payload: Bytes,
    /// Over which link.
    pub origin: Origin,
    /// Whether it may be older than the connection that brought it. It starts nothing then.
    pub stale: bool,
}

/// Over which link a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The LAN's broker.
    Lan,
    /// The cloud's.
    Cloud,
}

/// An answer or a report for the links.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// One JSON object.
    pub payload: Bytes,
    /// Who gets it.
    pub to: Audience,
    /// Whether it may be dropped.
    pub kind: Kind,
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every link.
    Everyone,
    /// The LAN's clients.
    Lan,
    /// The cloud.
    Cloud,
}

/// Whether a message may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The answer to a command: it may not.
    Ack,
    /// A report: the next one makes it good.
    Status,
}

impl From<Origin> for Audience {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Lan => Self::Lan,
            Origin::Cloud => Self::Cloud,
        }
    }
}

/// The printer has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the printer has stopped")]
pub struct Stopped;

/// What somebody wants of the printer.
#[derive(Debug)]
pub(super) enum Wish {
    Request(Incoming),
    Report(Audience),
    Decide(Option<Decision>),
}

/// Reaches the printer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PrinterHandle {
    pub(super) wishes: mpsc::Sender<Wish>,
    pub(super) messages: broadcast::Sender<Outgoing>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
}

impl PrinterHandle {
    /// Of no printer: for tests of what reaches one.
    #[cfg(test)]
    pub(crate) fn detached(
        requests: mpsc::Sender<Incoming>,
        messages: broadcast::Sender<Outgoing>,
    ) -> Self {
        let (wishes, mut wished) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(wish) = wished.recv().await {
                if let Wish::Request(request) = wish {
                    let _ = requests.send(request).await;
                }
            }
        });
        Self {
            wishes,
            messages,
            snapshot: watch::channel(Snapshot::blank()).1,
        }
    }

    /// Hands a request over; waits while the printer has too many.
    pub async fn submit(&self, request: Incoming) -> Result<(), Stopped> {
        self.wish(Wish::Request(request)).await
    }

    /// Everything that the printer says from now on. Whoever falls behind loses the oldest, and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Outgoing> {
        self.messages.subscribe()
    }

    /// Has a full report sent, as for a link that was just connected.
    pub async fn report(&self, to: Audience) -> Result<(), Stopped> {
        self.wish(Wish::Report(to)).await
    }

    /// Sets or forgets what the cloud decided.
    pub async fn set_decision(&self, decision: Option<Decision>) -> Result<(), Stopped> {
        self.wish(Wish::Decide(decision)).await
    }

    /// How the printer stands.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// Sees each change of how the printer stands.
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    async fn wish(&self, wish: Wish) -> Result<(), Stopped> {
        self.wishes.send(wish).await.map_err(|_| Stopped)
    }
}
