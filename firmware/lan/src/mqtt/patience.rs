//! How long a peer may keep its connection waiting.
//!
//! Times in, a deadline out: it reads no clock and ends nothing itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits;

/// The clocks that run for one peer.
#[derive(Debug)]
pub(super) struct Patience {
    /// Until it has logged in.
    log_in_by: Option<Instant>,
    heard: Instant,
    /// Since when it has taken nothing of what is for it.
    stalled: Option<Instant>,
    /// Since when it has owed the acknowledgements of as many reports as it may.
    owing: Option<Instant>,
}

/// What a peer has failed to do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    NotLoggedIn,
    Silent,
    TooSlow,
}

impl Patience {
    pub(super) fn new(now: Instant, log_in_by: Instant) -> Self {
        Self {
            log_in_by: Some(log_in_by),
            heard: now,
            stalled: None,
            owing: None,
        }
    }

    /// It has logged in.
    pub(super) fn logged_in(&mut self) {
        self.log_in_by = None;
    }

    /// A packet has come from it.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Whether it was listened to until now: the time in which it was not does not count as its silence.
    pub(super) fn listened(&mut self, was_listened_to: bool, now: Instant) {
        if !was_listened_to {
            self.heard = now;
        }
    }

    /// Whether there is something for it that it has not taken.
    pub(super) fn pending(&mut self, is_pending: bool, now: Instant) {
        self.stalled = is_pending.then(|| self.stalled.unwrap_or(now));
    }

    /// It has taken something, but not all if more is pending.
    pub(super) fn progressed(&mut self, is_pending: bool, now: Instant) {
        self.stalled = is_pending.then_some(now);
    }

    /// Whether it owes acknowledgements before it is sent more.
    pub(super) fn owes(&mut self, is_owing: bool, now: Instant) {
        self.owing = is_owing.then(|| self.owing.unwrap_or(now));
    }

    /// When patience ends, and why. Without a `silence`, it is not listened to and may be silent.
    pub(super) fn ends(&self, silence: Option<Duration>) -> Option<(Instant, Lapse)> {
        let slow = |since: Instant| (since + limits::UNSENT_FOR, Lapse::TooSlow);
        let strange = self.log_in_by.map(|at| (at, Lapse::NotLoggedIn));
        // A stranger has one deadline, however much it says meanwhile.
        let silence = silence.filter(|_| self.log_in_by.is_none());
        let silent = silence.map(|silence| (self.heard + silence, Lapse::Silent));
        let lapses = [
            self.stalled.map(slow),
            self.owing.map(slow),
            silent,
            strange,
        ];
        lapses.into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPALIVE: Option<Duration> = Some(Duration::from_secs(5));

    fn second(count: u64, from: Instant) -> Instant {
        from + Duration::from_secs(count)
    }

    fn member(start: Instant) -> Patience {
        let mut patience = Patience::new(start, second(15, start));
        patience.logged_in();
        patience
    }

    #[test]
    fn a_stranger_that_keeps_talking_gains_no_time() {
        let start = Instant::now();
        let mut patience = Patience::new(start, second(15, start));
        patience.heard(second(14, start));
        assert_eq!(
            patience.ends(KEEPALIVE),
            Some((second(15, start), Lapse::NotLoggedIn))
        );
    }

    #[test]
    fn each_packet_of_a_member_starts_its_keepalive_again() {
        let start = Instant::now();
        let mut patience = member(start);
        assert_eq!(
            patience.ends(KEEPALIVE),
            Some((second(5, start), Lapse::Silent))
        );
        patience.heard(second(3, start));
        assert_eq!(
            patience.ends(KEEPALIVE),
            Some((second(8, start), Lapse::Silent))
        );
        assert_eq!(patience.ends(None), None);
    }

    #[test]
    fn a_peer_that_was_not_listened_to_was_not_silent() {
        let start = Instant::now();
        let mut patience = member(start);
        patience.listened(false, second(60, start));
        let ends = Some((second(65, start), Lapse::Silent));
        assert_eq!(patience.ends(KEEPALIVE), ends);
        patience.listened(true, second(61, start));
        assert_eq!(patience.ends(KEEPALIVE), ends);
    }

    #[test]
    fn more_for_a_peer_that_takes_nothing_does_not_start_its_clock_again() {
        let start = Instant::now();
        let mut patience = member(start);
        for count in 0..9 {
            patience.pending(true, second(count, start));
        }
        assert_eq!(
            patience.ends(None),
            Some((start + limits::UNSENT_FOR, Lapse::TooSlow))
        );
    }

    #[test]
    fn a_peer_that_takes_a_little_at_a_time_stays() {
        let start = Instant::now();
        let mut patience = member(start);
        patience.pending(true, start);
        patience.progressed(true, second(9, start));
        let ends = second(9, start) + limits::UNSENT_FOR;
        assert_eq!(patience.ends(None), Some((ends, Lapse::TooSlow)));
        patience.progressed(false, second(10, start));
        assert_eq!(patience.ends(None), None);
    }

    #[test]
    fn acknowledgements_are_waited_for_as_long_as_reading() {
        let start = Instant::now();
        let mut patience = member(start);
        patience.owes(true, start);
        patience.owes(true, second(9, start));
        assert_eq!(
            patience.ends(None),
            Some((start + limits::UNSENT_FOR, Lapse::TooSlow))
        );
        patience.owes(false, second(9, start));
        assert_eq!(patience.ends(None), None);
    }
}
