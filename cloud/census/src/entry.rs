//! One printer as a census has it, and the names in it.

use std::{fmt, str::FromStr};

use firstlayer_bundle::Model;
use firstlayer_policy::Channel;
use jiff::Timestamp;
use semver::Version;

firstlayer_bundle::name!(
    /// Where a printer is, as coarse as its cloud's regions: `eu`.
    Region,
    "region"
);

/// A printer's serial number: 1 to 32 of A-Z, 0-9 and '-'. It does not begin with '-', which a spreadsheet would take
/// for the beginning of a formula.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(String);

/// Text that is no serial number. The text is not in it: it may be somebody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a serial number takes 1 to 32 of A-Z, 0-9 and '-', and does not begin with '-'")]
pub struct SerialError;

/// What a printer reported last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which printer.
    pub serial: Serial,
    /// Its model.
    pub model: Model,
    /// The firmware that it says it runs.
    pub version: Version,
    /// The channel that it follows.
    pub channel: Channel,
    /// Where it is, if that is known.
    pub region: Option<Region>,
    /// When it said so.
    pub last_seen: Timestamp,
}

/// A column of a census in CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `serial`.
    Serial,
    /// `model`.
    Model,
    /// `version`.
    Version,
    /// `channel`.
    Channel,
    /// `region`.
    Region,
    /// `last_seen`.
    LastSeen,
}

impl Serial {
    /// The serial number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether these bytes are one.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        let plain = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-');
        (1..=32).contains(&bytes.len())
            && bytes.iter().all(plain)
            && bytes.first().is_some_and(|first| *first != b'-')
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        if Self::is_one(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SerialError)
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Column {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 6] = [
        Self::Serial,
        Self::Model,
        Self::Version,
        Self::Channel,
        Self::Region,
        Self::LastSeen,
    ];

    /// Its name in the header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Model => "model",
            Self::Version => "version",
            Self::Channel => "channel",
            Self::Region => "region",
            Self::LastSeen => "last_seen",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_plain() {
        for text in ["A", "01S00A123456789", "X-1", &"9".repeat(32)] {
            assert_eq!(text.parse::<Serial>().unwrap().as_str(), text);
        }
        for text in ["", "-1", "a", "A B", "=A1", "A\0", "Ä", &"9".repeat(33)] {
            assert_eq!(text.parse::<Serial>(), Err(SerialError), "{text:?}");
        }
    }
}
