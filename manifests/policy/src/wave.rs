//! Rollout waves: from when on how many of the printers are offered a release.
//!
//! A printer's turn among a hundred follows from its serial number and the version alone, so it is the same on every
//! day, another one for the next release, and nobody has to keep a list. An owner who asks for a version by name does not
//! wait for a turn.

use std::fmt;

use firstlayer_bundle::Sha256;
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::Release;

/// The most waves of one release: bounds what a manifest makes its reader keep.
const MOST_WAVES: usize = 16;

/// From `starts` on, `percent` of the printers are offered the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// When it begins.
    pub starts: Timestamp,
    /// How many of a hundred printers are in it, those of the waves before among them: 1 to 100.
    pub percent: u8,
}

/// A printer's place in the queue for a release: 1, the first, to 100, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Turn(u8);

impl Turn {
    /// Whoever tries what a release offers, and waits for nobody.
    pub const FIRST: Self = Self(1);
    /// Whoever cannot be told apart from others.
    pub const LAST: Self = Self(100);

    /// The turn of the printer with this serial number for this version.
    pub fn of(serial: &str, version: &Version) -> Self {
        let digest = Sha256::of(format!("{serial}\n{version}").as_bytes());
        let [a, b, c, d, ..] = *digest.as_bytes();
        let place = u32::from_be_bytes([a, b, c, d]) % 100;
        Self(u8::try_from(place + 1).unwrap_or(Self::LAST.0))
    }
}

impl Release {
    /// When printers with this turn are offered it; nothing if they always were.
    pub fn offered_from(&self, turn: Turn) -> Option<Timestamp> {
        let mut waves = self.waves.iter();
        waves
            .find(|wave| wave.percent >= turn.0)
            .map(|wave| wave.starts)
    }

    /// From when on every printer is offered it.
    pub fn rolled_out_at(&self) -> Timestamp {
        self.offered_from(Turn::LAST).unwrap_or(self.built)
    }

    /// Of a hundred printers, how many are offered it now.
    pub fn rolled_out_percent(&self, now: Timestamp) -> u8 {
        if self.waves.is_empty() {
            return 100;
        }
        let mut begun = self.waves.iter().filter(|wave| wave.starts <= now);
        begun.next_back().map_or(0, |wave| wave.percent)
    }

    /// Each wave is later and larger than the one before, and the last one holds every printer.
    pub(crate) fn check_waves(&self) -> Result<(), String> {
        let count = self.waves.len();
        if count > MOST_WAVES {
            return Err(format!(
                "it has {count} rollout waves, and {MOST_WAVES} are allowed"
            ));
        }
        let grows = |pair: &[Wave]| match pair {
            [before, after] => before.starts < after.starts && before.percent < after.percent,
            _ => true,
        };
        match self.waves.as_slice() {
            [] => Ok(()),
            [first, ..] if first.percent == 0 => Err("its first rollout wave is empty".to_owned()),
            [.., last] if last.percent != 100 => Err(format!(
                "its last rollout wave reaches {} of 100 printers",
                last.percent
            )),
            waves if !waves.windows(2).all(grows) => {
                Err("its rollout waves do not grow from one to the next".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{release, version};

    fn wave(starts: &str, percent: u8) -> Wave {
        Wave {
            starts: starts.parse().unwrap(),
            percent,
        }
    }

    fn waves() -> Release {
        let mut release = release("1.1.0", 1);
        release.waves = vec![
            wave("2026-02-01T00:00:00Z", 10),
            wave("2026-02-08T00:00:00Z", 100),
        ];
        release
    }

    #[test]
    fn turns_are_spread_and_stay() {
        let turns: Vec<Turn> = (0..10_000)
            .map(|number| Turn::of(&format!("01S00A{number:09}"), &version("1.1.0")))
            .collect();
        let in_a_tenth = turns.iter().filter(|turn| **turn <= Turn(10)).count();
        assert!((850..1150).contains(&in_a_tenth), "{in_a_tenth} of 10,000");
        assert_eq!(turns[7], Turn::of("01S00A000000007", &version("1.1.0")));
        let next: Vec<Turn> = (0..100)
            .map(|number| Turn::of(&format!("01S00A{number:09}"), &version("1.2.0")))
            .collect();
        assert_ne!(turns[..100], next[..], "another release, another turn");
    }

    #[test]
    fn a_wave_reaches_those_whose_turn_it_is() {
        let release = waves();
        let first = release.waves[0].starts;
        assert_eq!(release.offered_from(Turn(10)), Some(first));
        assert_eq!(
            release.offered_from(Turn(11)),
            Some(release.waves[1].starts)
        );
        assert_eq!(release.rolled_out_at(), release.waves[1].starts);
        assert_eq!(release.rolled_out_percent(first), 10);
        assert_eq!(
            release.rolled_out_percent("2026-01-31T23:59:59Z".parse().unwrap()),
            0
        );
    }

    #[test]
    fn without_waves_everybody_is_offered_it_at_once() {
        let release = release("1.1.0", 1);
        assert_eq!(release.offered_from(Turn::LAST), None);
        assert_eq!(release.rolled_out_at(), release.built);
        assert_eq!(release.rolled_out_percent(Timestamp::MIN), 100);
    }

    #[test]
    fn waves_that_shrink_or_reach_nobody_are_refused() {
        let (early, late) = ("2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z");
        let bad = [
            vec![wave(early, 0), wave(late, 100)],
            vec![wave(early, 10)],
            vec![wave(late, 10), wave(early, 100)],
            vec![wave(early, 10), wave(early, 100)],
            vec![wave(early, 100), wave(late, 100)],
            vec![wave(early, 100); 17],
        ];
        for waves in bad {
            let mut release = release("1.1.0", 1);
            release.waves = waves;
            assert!(release.check_waves().is_err(), "{:?}", release.waves);
        }
        assert_eq!(waves().check_waves(), Ok(()));
    }
}
