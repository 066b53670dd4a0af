//! A length of time as people write it in options and configuration: `0h`, `14d`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const UNITS: [(char, i64); 4] = [('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
/// Ten years: stops a slip of the finger from leading out of the calendar.
const LONGEST: i64 = 3650 * 86_400;

/// Whole minutes, hours, days or weeks; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(SignedDuration);

/// A text that is no [`Period`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time; accepted is a number with m, h, d or w, such as 0h or 14d")]
pub struct NoPeriod(String);

impl Period {
    /// So many days.
    pub const fn days(days: u16) -> Self {
        Self(SignedDuration::from_hours(24 * days as i64))
    }

    /// The time that it takes.
    pub fn duration(self) -> SignedDuration {
        self.0
    }

    /// When it ends if it begins then.
    pub fn after(self, then: Timestamp) -> Timestamp {
        then.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let refused = || NoPeriod(text.to_owned());
        let unit = text.chars().next_back().ok_or_else(refused)?;
        let (_, seconds) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(refused)?;
        let number = text.strip_suffix(unit).unwrap_or_default();
        // `parse` alone would take a sign.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let number: i64 = number.parse().map_err(|_| refused())?;
        let total = number.checked_mul(*seconds).ok_or_else(refused)?;
        if total > LONGEST {
            return Err(refused());
        }
        Ok(Self(SignedDuration::from_secs(total)))
    }
}

impl TryFrom<String> for Period {
    type Error = NoPeriod;

    fn try_from(text: String) -> Result<Self, NoPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    /// In the largest unit that it is a whole number of, weeks aside: people count these in days.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => f.write_str("0h"),
            _ if seconds % 86_400 == 0 => write!(f, "{}d", seconds / 86_400),
            _ if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            _ => write!(f, "{}m", seconds / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_as_they_are_written() {
        for (text, shown) in [("0h", "0h"), ("90m", "90m"), ("36h", "36h"), ("2w", "14d")] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "h",
            "-1d",
            "+1d",
            "1",
            "1y",
            "1.5d",
            "3651d",
            "99999999999999999999d",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
