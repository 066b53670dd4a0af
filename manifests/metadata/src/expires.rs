//! The time at which a role expires, in the one form that every client reads.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A point in time with a resolution of one second, written `YYYY-MM-DDTHH:MM:SSZ` and in no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expires(Timestamp);

/// A time in any other form than `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time {0:?} is not of the form YYYY-MM-DDTHH:MM:SSZ")]
pub struct BadTime(String);

impl Expires {
    /// The time without its fraction of a second.
    pub fn at(time: Timestamp) -> Self {
        Self(Timestamp::from_second(time.as_second()).unwrap_or(time))
    }

    /// The time as such.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Whether the time has come.
    pub fn has_passed(self, now: Timestamp) -> bool {
        self.0 <= now
    }
}

impl FromStr for Expires {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime(text.to_owned());
        let time = Self::at(text.parse().map_err(|_| bad())?);
        // Whatever does not come back as it was had another form.
        if time.to_string() == text {
            Ok(time)
        } else {
            Err(bad())
        }
    }
}

impl TryFrom<String> for Expires {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}

impl From<Expires> for String {
    fn from(time: Expires) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Expires {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_only() {
        let time: Expires = "2030-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(time.to_string(), "2030-01-02T03:04:05Z");
        for text in [
            "",
            "2030-01-02",
            "2030-01-02T03:04:05",
            "2030-01-02T03:04:05.5Z",
            "2030-01-02T03:04:05+00:00",
            "2030-01-02T03:04:05+01:00",
            "2030-01-02 03:04:05Z",
            "2030-13-02T03:04:05Z",
            " 2030-01-02T03:04:05Z",
            "-002030-01-02T03:04:05Z",
        ] {
            assert!(text.parse::<Expires>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn it_has_passed_at_the_very_second() {
        let time: Expires = "2030-01-02T03:04:05Z".parse().unwrap();
        let second = jiff::SignedDuration::from_secs(1);
        assert!(time.has_passed(time.timestamp()));
        assert!(!time.has_passed(time.timestamp() - second));
    }
}
