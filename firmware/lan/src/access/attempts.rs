//! How often a login may fail, per address, per network and overall.
//!
//! Only failures count, so that clients that log in for every file are never limited. A password that its address
//! has just tried in vain counts once: a client left with an old code would otherwise shut out its whole address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use super::Fingerprint;
use crate::limits::{self, Attempts};
use crate::source::Source;

/// What is remembered of failed and of successful logins.
#[derive(Default)]
pub(super) struct Attempted {
    overall: Allowance,
    networks: HashMap<Source, Allowance>,
    failed: HashMap<IpAddr, Failures>,
    /// By whole address: neighbours of one IPv6 network are not the owner.
    known: HashMap<IpAddr, Known>,
}

/// Tokens that come back with time, counted as the time until all of them are back.
#[derive(Clone, Copy, Default)]
struct Allowance(Option<Instant>);

struct Failures {
    allowance: Allowance,
    last: Option<Fingerprint>,
}

struct Known {
    allowance: Allowance,
    last: Option<Fingerprint>,
    logged_in: Instant,
}

impl Attempted {
    /// Whether this address failed with just this before: compared already, and wrong.
    pub(super) fn is_repeated(&self, from: IpAddr, given: &Fingerprint) -> bool {
        let of_known = self.known.get(&from).and_then(|known| known.last.as_ref());
        let of_failed = self.failed.get(&from).and_then(|entry| entry.last.as_ref());
        [of_known, of_failed]
            .into_iter()
            .flatten()
            .any(|last| bool::from(last.ct_eq(given)))
    }

    /// Whether this address knew the current code before.
    pub(super) fn is_known(&self, from: IpAddr) -> bool {
        self.known.contains_key(&from)
    }

    /// Whether one more attempt from this address may be compared.
    pub(super) fn may_try(&mut self, from: IpAddr, now: Instant) -> bool {
        if let Some(known) = self.known.get(&from) {
            return known
                .allowance
                .is_left(limits::ATTEMPTS_OF_A_KNOWN_ADDRESS, now);
        }
        let network = self.networks.get(&Source::of(from));
        let network = network.copied().unwrap_or_default();
        let address = self.failed.get(&from).map(|entry| entry.allowance);
        let address = address.unwrap_or_default();
        self.overall.is_left(limits::ATTEMPTS_OVERALL, now)
            && network.is_left(limits::ATTEMPTS_PER_NETWORK, now)
            && address.is_left(limits::ATTEMPTS_PER_ADDRESS, now)
            && self.has_room(now)
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, from: IpAddr, given: Fingerprint, now: Instant) {
        if let Some(known) = self.known.get_mut(&from) {
            known
                .allowance
                .take(limits::ATTEMPTS_OF_A_KNOWN_ADDRESS, now);
            known.last = Some(given);
            return;
        }
        self.overall.take(limits::ATTEMPTS_OVERALL, now);
        let network = self.networks.entry(Source::of(from)).or_default();
        network.take(limits::ATTEMPTS_PER_NETWORK, now);
        let entry = self.failed.entry(from).or_insert(Failures {
            allowance: Allowance::default(),
            last: None,
        });
        entry.allowance.take(limits::ATTEMPTS_PER_ADDRESS, now);
        entry.last = Some(given);
    }

    /// Remembers that this address knew the code. The one that has not logged in for longest makes room.
    pub(super) fn succeeded(&mut self, from: IpAddr, now: Instant) {
        if let Some(known) = self.known.get_mut(&from) {
            known.logged_in = now;
            return;
        }
        if self.known.len() >= limits::ADDRESSES_KNOWN {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.logged_in);
            if let Some(address) = oldest.map(|(address, _)| *address) {
                self.known.remove(&address);
            }
        }
        let known = Known {
            allowance: Allowance::default(),
            last: None,
            logged_in: now,
        };
        self.known.insert(from, known);
    }

    /// The code is another one: nobody knows it yet, and what was wrong may now be right.
    pub(super) fn forget_what_was_known(&mut self) {
        self.known.clear();
        for entry in self.failed.values_mut() {
            entry.last = None;
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.failed.len(), self.networks.len(), self.known.len()]
    }

    fn has_room(&mut self, now: Instant) -> bool {
        // Hosts of one network may have gone before it, and the other way round.
        let most = |this: &Self| this.failed.len().max(this.networks.len());
        if most(self) >= limits::ADDRESSES_THAT_FAILED {
            self.failed
                .retain(|_, entry| !entry.allowance.is_whole(now));
            self.networks.retain(|_, network| !network.is_whole(now));
        }
        most(self) < limits::ADDRESSES_THAT_FAILED
    }
}

impl Allowance {
    fn is_left(self, of: Attempts, now: Instant) -> bool {
        self.owed(now) + of.refill <= of.refill * of.burst
    }

    fn is_whole(self, now: Instant) -> bool {
        self.owed(now).is_zero()
    }

    fn take(&mut self, of: Attempts, now: Instant) {
        self.0 = now.checked_add(self.owed(now) + of.refill);
    }

    fn owed(self, now: Instant) -> Duration {
        self.0
            .map_or(Duration::ZERO, |whole| whole.saturating_duration_since(now))
    }
}
