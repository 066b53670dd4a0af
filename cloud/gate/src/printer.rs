//! What is said of a printer, parsed once at the edge: from a request's headers, or from JSON.

mod headers;
mod json;

use firstlayer_bundle::{Board, Model};
use firstlayer_census::{Entry, Region, Serial};
use firstlayer_policy::{Channel, Facts, Report};
use jiff::Timestamp;
use semver::{BuildMetadata, Version};

use crate::limits::VERSION;

pub use headers::{BOARD, CHANNEL, MODEL, REGION, SERIAL, SIGNATURE, TIME, VERSION_HEADER};
pub use json::{Said, SaidToBe};

/// A printer, as somebody described it. What of it is true is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// Its serial number.
    pub serial: Serial,
    /// Its model.
    pub model: Model,
    /// The version that it is said to run.
    pub version: Version,
    /// The channel that it follows.
    pub channel: Channel,
    /// Its board, where that is said.
    pub board: Option<Board>,
    /// Where it is, where that is said.
    pub region: Option<Region>,
    /// The printer's own signature, where there is one.
    pub proof: Option<Proof>,
}

/// A signature of a printer's, with the time that it covers as the printer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// When the printer signed, as text: it is part of what is signed.
    pub time: String,
    /// The signature (ed25519, RFC 8032).
    pub signature: [u8; 64],
}

/// A description that cannot be a printer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrinterError {
    /// Something that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something that is not of its form.
    #[error("{what} is not of its form: {problem}")]
    Form {
        /// What.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// The texts of a description, by what they are.
#[derive(Debug, Clone, Copy, Default)]
struct Texts<'a> {
    serial: Option<&'a str>,
    model: Option<&'a str>,
    version: Option<&'a str>,
    channel: Option<&'a str>,
    board: Option<&'a str>,
    region: Option<&'a str>,
    time: Option<&'a str>,
    signature: Option<&'a str>,
}

impl Printer {
    /// What the policy asks of it.
    pub fn facts(&self, report: Report) -> Facts<'_> {
        Facts {
            channel: &self.channel,
            model: &self.model,
            board: self.board.as_ref(),
            version: &self.version,
            report,
        }
    }

    /// What the census keeps of it.
    pub fn into_entry(self, last_seen: Timestamp) -> Entry {
        Entry {
            serial: self.serial,
            model: self.model,
            version: self.version,
            channel: self.channel,
            region: self.region,
            last_seen,
        }
    }

    fn parse(texts: &Texts<'_>) -> Result<Self, PrinterError> {
        Ok(Self {
            serial: needed("serial", texts.serial)?,
            model: needed("model", texts.model)?,
            version: version(texts.version.ok_or(PrinterError::Missing("version"))?)?,
            channel: needed("channel", texts.channel)?,
            board: optional("board", texts.board)?,
            region: optional("region", texts.region)?,
            proof: proof(texts.time, texts.signature)?,
        })
    }
}

fn needed<T>(what: &'static str, text: Option<&str>) -> Result<T, PrinterError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    optional(what, text)?.ok_or(PrinterError::Missing(what))
}

fn optional<T>(what: &'static str, text: Option<&str>) -> Result<Option<T>, PrinterError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let parsed = text.filter(|text| !text.is_empty()).map(str::parse);
    parsed
        .transpose()
        .map_err(|error: T::Err| form(what, error.to_string()))
}

/// Build metadata names no other release: `1.4.0+x` is judged as 1.4.0, and not as something after it.
fn version(text: &str) -> Result<Version, PrinterError> {
    if text.len() > VERSION {
        return Err(form("version", format!("it has more than {VERSION} bytes")));
    }
    let mut version: Version = text
        .parse()
        .map_err(|error: semver::Error| form("version", error.to_string()))?;
    version.build = BuildMetadata::EMPTY;
    Ok(version)
}

fn proof(time: Option<&str>, signature: Option<&str>) -> Result<Option<Proof>, PrinterError> {
    let present = |text: &&str| !text.is_empty();
    let (time, signature) = match (time.filter(present), signature.filter(present)) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(PrinterError::Missing("signature")),
        (None, Some(_)) => return Err(PrinterError::Missing("time")),
        (Some(time), Some(signature)) => (time, signature),
    };
    let wrong = || form("signature", "it takes 128 hexadecimal digits".to_owned());
    Ok(Some(Proof {
        time: time.to_owned(),
        signature: signature_bytes(signature).ok_or_else(wrong)?,
    }))
}

fn signature_bytes(text: &str) -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn form(what: &'static str, problem: String) -> PrinterError {
    PrinterError::Form { what, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: Texts<'static> = Texts {
        serial: Some("FL-0001"),
        model: Some("first-mini"),
        version: Some("1.4.0"),
        channel: Some("stable"),
        board: None,
        region: Some(""),
        time: None,
        signature: None,
    };

    #[test]
    fn what_is_missing_or_odd_is_named() {
        assert!(Printer::parse(&TEXTS).unwrap().region.is_none());
        let odd = [
            (
                Texts {
                    serial: None,
                    ..TEXTS
                },
                "serial is missing",
            ),
            (
                Texts {
                    serial: Some("../a"),
                    ..TEXTS
                },
                "serial is not",
            ),
            (
                Texts {
                    version: Some("new"),
                    ..TEXTS
                },
                "version is not",
            ),
            (
                Texts {
                    board: Some("a/b"),
                    ..TEXTS
                },
                "board is not",
            ),
            (
                Texts {
                    time: Some("now"),
                    ..TEXTS
                },
                "signature is missing",
            ),
            (
                Texts {
                    signature: Some("00"),
                    ..TEXTS
                },
                "time is missing",
            ),
        ];
        for (texts, told) in odd {
            let error = Printer::parse(&texts).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
        let long = "1".repeat(VERSION + 1);
        let texts = Texts {
            version: Some(&long),
            ..TEXTS
        };
        assert!(Printer::parse(&texts).is_err());
    }

    #[test]
    fn build_metadata_does_not_lift_a_version_over_its_release() {
        let texts = Texts {
            version: Some("1.4.0+z"),
            ..TEXTS
        };
        assert_eq!(
            Printer::parse(&texts).unwrap().version,
            Version::new(1, 4, 0)
        );
    }

    #[test]
    fn a_signature_is_hexadecimal() {
        let text = "0aF".repeat(43)[..128].to_owned();
        assert_eq!(signature_bytes(&text).unwrap()[..2], [0x0a, 0xf0]);
        for text in [&text[1..], &format!("{text}0"), &"0g".repeat(64), "", "é"] {
            assert!(signature_bytes(text).is_none(), "{text}");
        }
    }
}
