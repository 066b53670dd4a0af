//! What a bundle says it is: for which printers, which version, and where in the order of releases.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Board, Model};

/// What a bundle is for, and which release it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The electronics it runs on.
    pub board: Board,
    /// The printer models it is meant for; at least one. The manifest has them sorted, and each once.
    pub models: Vec<Model>,
    /// The release's version.
    pub version: semver::Version,
    /// The release's place in the order that anti-rollback keeps.
    pub counter: Counter,
}

/// The release counter: a printer never installs a release whose counter is below that of one it has confirmed.
/// At most 2^53-1, so that every JSON reader agrees on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Counter(u64);

/// A release counter above 2^53-1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a release counter is at most 2^53-1, and this one is {0}")]
pub struct CounterTooLarge(u64);

impl Counter {
    /// The highest release counter.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The counter with this value.
    pub const fn new(value: u64) -> Result<Self, CounterTooLarge> {
        if value <= Self::MAX.0 {
            Ok(Self(value))
        } else {
            Err(CounterTooLarge(value))
        }
    }

    /// Its value.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Counter {
    type Error = CounterTooLarge;

    fn try_from(value: u64) -> Result<Self, CounterTooLarge> {
        Self::new(value)
    }
}

impl From<Counter> for u64 {
    fn from(counter: Counter) -> Self {
        counter.0
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counter({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stay_within_what_json_readers_agree_on() {
        assert_eq!(Counter::new(9_007_199_254_740_991).unwrap(), Counter::MAX);
        assert_eq!(
            Counter::new(9_007_199_254_740_992),
            Err(CounterTooLarge(9_007_199_254_740_992))
        );
        for text in ["9007199254740992", "-1", "1.0", "\"1\"", "1e3"] {
            assert!(serde_json::from_str::<Counter>(text).is_err(), "{text}");
        }
    }
}
