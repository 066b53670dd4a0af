//! What the printer says: answers at once, reports no faster than their rhythm.

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::{sync::broadcast, time::Instant};

use super::{
    handle::{Audience, Kind, Origin, Outgoing},
    limits,
};
use crate::protocol::{Facts, Refusal, Reporter, Tag};

/// Whom an answer is for.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) tag: Tag,
    pub(super) origin: Origin,
}

/// What a command came to.
pub(super) type Outcome = Result<Map<String, Value>, Refusal>;

pub(super) struct Outbox {
    messages: broadcast::Sender<Outgoing>,
    reporter: Reporter,
    spoke: Option<Instant>,
    lan: Full,
    cloud: Full,
}

/// Full reports for one audience.
#[derive(Default)]
struct Full {
    wanted: bool,
    sent: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(messages: broadcast::Sender<Outgoing>) -> Self {
        Self {
            messages,
            reporter: Reporter::default(),
            spoke: None,
            lan: Full::default(),
            cloud: Full::default(),
        }
    }

    pub(super) fn answer(&self, caller: &Caller, outcome: &Outcome) {
        if let Err(refusal) = outcome {
            // Not louder: whoever floods the printer with nonsense is not to fill its log.
            tracing::debug!(origin = ?caller.origin, reason = %refusal, "refused a command");
        }
        let answer = caller.tag.answer(outcome.as_ref().cloned());
        self.send(&answer, caller.origin.into(), Kind::Ack);
    }

    /// A full report is owed to this audience.
    pub(super) fn owe_full(&mut self, to: Audience) {
        self.lan.wanted |= to != Audience::Cloud;
        self.cloud.wanted |= to != Audience::Lan;
    }

    /// Sends what is owed and due.
    pub(super) fn report(&mut self, facts: &Facts<'_>, now: Instant) {
        self.reporter.note(facts.state);
        for (full, to) in [
            (&mut self.lan, Audience::Lan),
            (&mut self.cloud, Audience::Cloud),
        ] {
            if full.wanted && due(full.sent, limits::REPORT_GAP, now) {
                *full = Full {
                    wanted: false,
                    sent: Some(now),
                };
                let report = self.reporter.full(facts);
                send(&self.messages, &report, to, Kind::Status);
            }
        }
        if !due(self.spoke, limits::REPORT_GAP, now) {
            return;
        }
        let report = match self.reporter.changes(facts) {
            Some(changes) => changes,
            None if due(self.spoke, limits::SILENCE, now) => self.reporter.pulse(facts),
            None => return,
        };
        self.spoke = Some(now);
        self.send(&report, Audience::Everyone, Kind::Status);
    }

    fn send(&self, message: &Value, to: Audience, kind: Kind) {
        send(&self.messages, message, to, kind);
    }
}

fn due(last: Option<Instant>, gap: std::time::Duration, now: Instant) -> bool {
    last.is_none_or(|last| now.duration_since(last) >= gap)
}

fn send(messages: &broadcast::Sender<Outgoing>, message: &Value, to: Audience, kind: Kind) {
    // Nobody may be listening, which is no error.
    let _ = messages.send(Outgoing {
        payload: Bytes::from(message.to_string()),
        to,
        kind,
    });
}
