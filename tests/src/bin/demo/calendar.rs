//! When things happen in the story: its deadline is the last 25 November that has passed, and everything else lies before.

use anyhow::{Context, Result};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The days of the story.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    deadline: Timestamp,
}

impl Calendar {
    /// The story that ended on the last 25 November before this time.
    pub(crate) fn before(now: Timestamp) -> Result<Self> {
        let this_year = now.to_zoned(TimeZone::UTC).year();
        let of = |year| -> Result<Timestamp> {
            let day = date(year, 11, 25).to_zoned(TimeZone::UTC)?;
            Ok(day.timestamp())
        };
        let deadline = match of(this_year)? {
            day if day <= now => day,
            _ => of(this_year - 1)?,
        };
        Ok(Self { deadline })
    }

    /// When the rule is enforced.
    pub(crate) fn deadline(self) -> Timestamp {
        self.deadline
    }

    /// So many days before.
    pub(crate) fn days_before(self, days: i64) -> Result<Timestamp> {
        let earlier = self
            .deadline
            .checked_sub(SignedDuration::from_hours(24 * days));
        earlier.context("a day before the first of all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_has_passed_and_is_less_than_a_year_ago() {
        for (now, deadline) in [
            ("2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z"),
            ("2026-11-24T23:59:59Z", "2025-11-25T00:00:00Z"),
            ("2027-01-01T00:00:00Z", "2026-11-25T00:00:00Z"),
        ] {
            let calendar = Calendar::before(now.parse().unwrap()).unwrap();
            assert_eq!(calendar.deadline().to_string(), deadline);
        }
    }
}
