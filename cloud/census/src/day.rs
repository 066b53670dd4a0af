//! A day, UTC: as exact as groups are about when a printer was last seen.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A civil date in UTC, written `2026-11-25`. Years are 1970 to 9999, so that its text sorts as it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

/// Text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a day is a date from 1970-01-01 on, written like 2026-11-25")]
pub struct DayError;

impl Day {
    /// The day on which this moment is in UTC; what is before 1970 counts as its first day.
    pub fn of(moment: Timestamp) -> Self {
        let moment = moment.max(Timestamp::UNIX_EPOCH);
        Self(TimeZone::UTC.to_datetime(moment).date())
    }

    /// The day of this date. Errors: before 1970.
    pub fn new(date: Date) -> Result<Self, DayError> {
        if date.year() >= 1970 {
            Ok(Self(date))
        } else {
            Err(DayError)
        }
    }

    /// Its date.
    pub fn date(self) -> Date {
        self.0
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let day = text.parse().map_err(|_| DayError).and_then(Self::new)?;
        // The date's own parser takes other spellings too.
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(DayError)
        }
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_sorts() {
        let days = ["1970-01-01", "2026-11-25", "9999-12-30"].map(|text| {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.to_string(), text);
            day
        });
        assert!(days.is_sorted());
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "1969-12-31",
            "20261125",
            "2026-11-31",
            "2026-11-25T00",
            "-009999-01-01",
            "2026-11-25 ",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text:?}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        let day = |text: &str| Day::of(text.parse().unwrap()).to_string();
        assert_eq!(day("2026-11-25T23:59:59.999Z"), "2026-11-25");
        assert_eq!(day("2026-11-25T23:59:59-01:00"), "2026-11-26");
        assert_eq!(day("1969-06-01T00:00:00Z"), "1970-01-01");
    }
}
