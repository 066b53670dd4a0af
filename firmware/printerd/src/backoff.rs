//! How long to wait before another try: further apart each time, and at times that no two printers share.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// The first wait and the longest, before jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure; it doubles with each other.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after the `failures`-th failure in a row: between half and all of the doubled time. When a broker or a
    /// server comes back, its printers must not all come at once.
    pub fn delay(&self, failures: u32) -> Duration {
        self.jittered(failures, random())
    }

    fn jittered(&self, failures: u32, random: u64) -> Duration {
        let doublings = failures.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let full = self.first.saturating_mul(factor).min(self.longest);
        full.mul_f64(0.5 + random as f64 / u64::MAX as f64 / 2.0)
    }
}

/// Not for secrets: the standard library's seed of its hash tables.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_longest_and_are_never_less_than_half() {
        for (failures, full) in [(1, 2), (2, 4), (3, 8), (6, 60), (40, 60), (u32::MAX, 60)] {
            let full = Duration::from_secs(full);
            assert_eq!(BACKOFF.jittered(failures, 0), full / 2);
            assert_eq!(BACKOFF.jittered(failures, u64::MAX), full);
        }
    }

    #[test]
    fn two_printers_wait_differently() {
        assert_ne!(BACKOFF.delay(6), BACKOFF.delay(6));
    }
}
