//! Each message exactly once (MQTT, QoS 2), over any number of connections: no IO, no clock.
//!
//! A session outlives its connections, for as long as the process does. It must never hand on a message twice that
//! the broker repeats, and never forget one of ours that the broker has not taken. Whether an identifier is free is
//! for the broker to say too: one that was used for a message is used for another only when that is complete.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use super::{
    limits::{UNRELEASED, WINDOW},
    wire::{Delivery, Message, Reply, Sent},
};

/// The broker broke the protocol; the session is not to be trusted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker has more messages unreleased than there may be")]
#[non_exhaustive]
pub struct TooManyUnreleased;

/// Where a message of ours goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// To whoever watches the printer.
    Report,
    /// Back to the printer: a marker.
    Requests,
}

/// What is to be sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Publish {
        id: u16,
        to: To,
        payload: Bytes,
        again: bool,
    },
    Release(u16),
}

#[derive(Debug)]
struct Flight {
    id: u16,
    stage: Stage,
    /// In this connection.
    sent: bool,
    /// In one before.
    again: bool,
}

#[derive(Debug)]
enum Stage {
    Published { to: To, payload: Bytes },
    Released,
}

/// Both directions of a session.
#[derive(Debug, Default)]
pub(super) struct Session {
    flights: VecDeque<Flight>,
    /// Has been in flight with a broker that forgot it, or waits at the head of the queue.
    unsent: VecDeque<(To, Bytes)>,
    /// Messages of the broker that were handed on and not yet released.
    taken: BTreeSet<u16>,
    last_id: u16,
    window: usize,
}

impl Session {
    /// A connection was accepted: by a broker that still has the session, or one that has not.
    pub(super) fn connected(&mut self, present: bool, window: u16) {
        self.window = usize::from(window.clamp(1, WINDOW));
        if present {
            for flight in &mut self.flights {
                flight.again |= flight.sent;
                flight.sent = false;
            }
            return;
        }
        self.taken.clear();
        for flight in self.flights.drain(..).rev() {
            // What was released, the broker had taken. A marker of an earlier connection marks nothing any more.
            if let Stage::Published {
                to: To::Report,
                payload,
            } = flight.stage
            {
                self.unsent.push_front((To::Report, payload));
            }
        }
    }

    /// A marker goes out before everything that is not yet in flight; an earlier one that did not is forgotten.
    pub(super) fn mark(&mut self, payload: Bytes) {
        self.unsent.retain(|(to, _)| *to == To::Report);
        self.unsent.push_front((To::Requests, payload));
    }

    /// What is to be sent now, if the broker's window has room; `more` is asked for another message.
    pub(super) fn next(&mut self, more: impl FnOnce() -> Option<Bytes>) -> Option<Next> {
        if self.flights.iter().filter(|flight| flight.sent).count() >= self.window {
            return None;
        }
        if let Some(flight) = self.flights.iter_mut().find(|flight| !flight.sent) {
            flight.sent = true;
            return Some(flight.next());
        }
        let (to, payload) = self
            .unsent
            .pop_front()
            .or_else(|| more().map(|payload| (To::Report, payload)))?;
        let flight = Flight {
            id: self.free_id(),
            stage: Stage::Published { to, payload },
            sent: true,
            again: false,
        };
        let next = flight.next();
        self.flights.push_back(flight);
        Some(next)
    }

    /// An identifier that nothing in flight has.
    pub(super) fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.flights.iter().any(|flight| flight.id == self.last_id) {
                return self.last_id;
            }
        }
    }

    /// A message came: whether it is to be handed on, and what to answer after that.
    pub(super) fn message(
        &mut self,
        message: &Message,
    ) -> Result<(bool, Option<Reply>), TooManyUnreleased> {
        match message.delivery {
            Delivery::AtMost => Ok((true, None)),
            Delivery::AtLeast(id) => Ok((true, Some(Reply::Acknowledged(id)))),
            Delivery::Exactly(id) => {
                let new = self.taken.insert(id);
                if self.taken.len() > UNRELEASED {
                    return Err(TooManyUnreleased);
                }
                Ok((new, Some(Reply::Received(id))))
            }
        }
    }

    /// The broker will not repeat the message.
    pub(super) fn release(&mut self, id: u16) -> Reply {
        self.taken.remove(&id);
        Reply::Complete(id)
    }

    /// The broker has taken a message of ours, or refused it. `false` if it refused one.
    pub(super) fn received(&mut self, id: u16, accepted: bool) -> (bool, Option<Reply>) {
        let Some(at) = self.flights.iter().position(|flight| flight.id == id) else {
            return (true, Some(Reply::Release(id)));
        };
        if !accepted {
            self.flights.remove(at);
            return (false, None);
        }
        if let Some(flight) = self.flights.get_mut(at) {
            flight.stage = Stage::Released;
            flight.sent = true;
        }
        (true, Some(Reply::Release(id)))
    }

    /// A message of ours is where it should be.
    pub(super) fn complete(&mut self, id: u16) {
        // Only what was released can be complete; a broker that says so of another has not taken it.
        self.flights
            .retain(|flight| flight.id != id || !matches!(flight.stage, Stage::Released));
    }
}

impl Flight {
    fn next(&self) -> Next {
        match &self.stage {
            Stage::Published { to, payload } => Next::Publish {
                id: self.id,
                to: *to,
                payload: payload.clone(),
                again: self.again,
            },
            Stage::Released => Next::Release(self.id),
        }
    }
}

impl Next {
    pub(super) fn packet<'a>(&'a self, topic: impl FnOnce(To) -> &'a str) -> Sent<'a> {
        match self {
            Self::Publish {
                id,
                to,
                payload,
                again,
            } => Sent::Publish {
                topic: topic(*to),
                payload,
                id: Some(*id),
                again: *again,
            },
            Self::Release(id) => Sent::Reply(Reply::Release(*id)),
        }
    }
}

#[cfg(test)]
mod tests;
