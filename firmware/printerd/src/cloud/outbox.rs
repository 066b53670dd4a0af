//! What waits to be sent to the cloud: acknowledgements until they are, reports only while they are news.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::limits::{ACK_BYTES, ACKS, REPORTS};

/// Bounded queues, filled at any time and emptied by a connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queues: Mutex<Queues>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Queues {
    acks: VecDeque<Bytes>,
    bytes: usize,
    reports: VecDeque<Bytes>,
    connected: bool,
}

impl Outbox {
    /// Keeps an acknowledgement. Says how many older ones had to go for it.
    pub(super) fn acknowledge(&self, payload: Bytes) -> usize {
        let mut queues = self.queues();
        queues.bytes = queues.bytes.saturating_add(payload.len());
        queues.acks.push_back(payload);
        let mut dropped = 0;
        while queues.acks.len() > ACKS || queues.bytes > ACK_BYTES {
            if queues.pop_ack().is_none() {
                break;
            }
            dropped += 1;
        }
        drop(queues);
        self.more.notify_one();
        dropped
    }

    /// Keeps a report, if there is a connection that it could be news to.
    pub(super) fn report(&self, payload: Bytes) {
        let mut queues = self.queues();
        if !queues.connected {
            return;
        }
        if queues.reports.len() >= REPORTS {
            queues.reports.pop_front();
        }
        queues.reports.push_back(payload);
        drop(queues);
        self.more.notify_one();
    }

    /// Whether there is a connection.
    pub(super) fn set_connected(&self, connected: bool) {
        let mut queues = self.queues();
        queues.connected = connected;
        queues.reports.clear();
    }

    /// The oldest acknowledgement.
    pub(super) fn next_ack(&self) -> Option<Bytes> {
        self.queues().pop_ack()
    }

    /// The oldest report.
    pub(super) fn next_report(&self) -> Option<Bytes> {
        self.queues().reports.pop_front()
    }

    /// Until something was added.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        // Nothing between lock and unlock can leave the queues half changed.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn pop_ack(&mut self) -> Option<Bytes> {
        let payload = self.acks.pop_front()?;
        self.bytes = self.bytes.saturating_sub(payload.len());
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_wait_for_a_connection_and_reports_do_not() {
        let outbox = Outbox::default();
        outbox.report(Bytes::from_static(b"old"));
        assert_eq!(outbox.acknowledge(Bytes::from_static(b"ack")), 0);
        outbox.set_connected(true);
        outbox.report(Bytes::from_static(b"new"));
        assert_eq!(outbox.next_ack().unwrap(), "ack");
        assert_eq!(outbox.next_report().unwrap(), "new");
        assert_eq!(outbox.next_report(), None);
    }

    #[test]
    fn an_outage_of_days_keeps_the_newest_acknowledgements() {
        let outbox = Outbox::default();
        let dropped: usize = (0..1000_u32)
            .map(|number| outbox.acknowledge(Bytes::copy_from_slice(&number.to_be_bytes())))
            .sum();
        assert_eq!(dropped, 1000 - ACKS);
        assert_eq!(outbox.next_ack().unwrap(), 744_u32.to_be_bytes().as_slice());
    }

    #[test]
    fn large_acknowledgements_are_bounded_by_their_bytes() {
        let outbox = Outbox::default();
        for _ in 0..10 {
            outbox.acknowledge(Bytes::from(vec![0; ACK_BYTES / 2]));
        }
        assert_eq!(std::iter::from_fn(|| outbox.next_ack()).count(), 2);
    }

    #[test]
    fn a_slow_connection_gets_the_newest_reports() {
        let outbox = Outbox::default();
        outbox.set_connected(true);
        for number in 0..100_u8 {
            outbox.report(Bytes::copy_from_slice(&[number]));
        }
        assert_eq!(outbox.next_report().unwrap()[0], 100 - REPORTS as u8);
    }
}
