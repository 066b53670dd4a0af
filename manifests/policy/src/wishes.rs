//! What a printer's owner wants of updates. Wishes steer what is offered; no wish loosens a rule of safety.
//! No clock is read here: whether a postponement is still on is for the caller to say.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use semver::Version;
use serde::Serialize;

/// An owner's wishes, as they stand now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Wishes {
    /// This version and no other, older or newer than what runs; it overrides the wishes below.
    #[serde(skip)]
    pub version: Option<Version>,
    /// Versions that are not to be offered.
    pub skipped: Vec<Version>,
    /// Until when nothing is to be offered: a time that has not come yet.
    pub postponed_until: Option<Timestamp>,
}

/// For how long updates are put off: a minute at least, a year at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Postponement(SignedDuration);

/// A text that is no [`Postponement`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accepted is a number with m, h, d or w, from 1m to 365d, such as 12h or 7d")]
pub struct NoPostponement;

impl Postponement {
    /// The longest: stops a slip of the finger, or a clock that ran ahead, from silencing updates for ever.
    pub const LONGEST: Self = Self(SignedDuration::from_hours(24 * 365));

    /// The time that it takes.
    pub fn duration(self) -> SignedDuration {
        self.0
    }

    /// When it ends if it begins now.
    pub fn ends(self, now: Timestamp) -> Timestamp {
        now.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Postponement {
    type Err = NoPostponement;

    fn from_str(text: &str) -> Result<Self, NoPostponement> {
        let unit = text.chars().next_back().ok_or(NoPostponement)?;
        let minutes: i64 = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            'w' => 7 * 24 * 60,
            _ => return Err(NoPostponement),
        };
        let number = text.strip_suffix(unit).unwrap_or_default();
        // `parse` alone would take a sign.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoPostponement);
        }
        let number: i64 = number.parse().map_err(|_| NoPostponement)?;
        let seconds = number
            .checked_mul(minutes * 60)
            .filter(|seconds| (60..=Self::LONGEST.0.as_secs()).contains(seconds))
            .ok_or(NoPostponement)?;
        Ok(Self(SignedDuration::from_secs(seconds)))
    }
}

impl fmt::Display for Postponement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.as_mins();
        match minutes {
            _ if minutes % (24 * 60) == 0 => write!(f, "{}d", minutes / (24 * 60)),
            _ if minutes % 60 == 0 => write!(f, "{}h", minutes / 60),
            _ => write!(f, "{minutes}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_postponement_is_a_number_and_a_unit_within_bounds() {
        for (text, shown) in [
            ("1m", "1m"),
            ("90m", "90m"),
            ("120m", "2h"),
            ("7d", "7d"),
            ("1w", "7d"),
            ("365d", "365d"),
        ] {
            assert_eq!(text.parse::<Postponement>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "7",
            "d",
            "0d",
            "-1d",
            "+1d",
            "366d",
            "53w",
            "1.5h",
            "7 d",
            "7días",
            "ä",
            "99999999999999999999w",
            "9223372036854775807w",
        ] {
            assert_eq!(bad.parse::<Postponement>(), Err(NoPostponement), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_within_bounds(text in "[0-9+a-zä-]{0,12}") {
            if let Ok(postponement) = text.parse::<Postponement>() {
                prop_assert!(postponement.duration() <= Postponement::LONGEST.duration());
                prop_assert!(postponement.duration() >= SignedDuration::from_mins(1));
                prop_assert_eq!(postponement.to_string().parse::<Postponement>(), Ok(postponement));
            }
        }
    }
}
