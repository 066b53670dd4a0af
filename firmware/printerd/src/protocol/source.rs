//! Where a job's file is: the URL forms of `lan-protocol.md` as types. A clear-text URL is never a source.

use std::{fmt, str::FromStr};

use firstlayer_card::CardPath;
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::limits;

/// Longest URL that is taken. Presigned ones with a session token come to about 2,000 bytes; more stops a client from
/// having the printer keep what it likes.
const LONGEST: usize = 4096;

/// Where a job's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSource {
    /// On the card.
    Card(CardFile),
    /// To be fetched.
    Https(HttpsUrl),
}

/// A file on the card, as a URL names it. Some clients write special characters as they are, others as `%20`, so that
/// a `%` can be read in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFile {
    /// The more likely reading.
    pub path: CardPath,
    /// The other one, if it differs.
    pub or: Option<CardPath>,
}

impl FromStr for JobSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text.len() > LONGEST {
            return Err(SourceError::TooLong);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return card_file(text, Reading::AsItIs);
        };
        match scheme.to_ascii_lowercase().as_str() {
            // A name may stand where the host would: `ftp://x.3mf`.
            "ftp" => card_file(rest, Reading::AsItIs),
            "file" => card_file(rest, Reading::Decoded),
            _ => text.parse().map(Self::Https),
        }
    }
}

/// Which reading of a `%` comes first.
#[derive(PartialEq)]
enum Reading {
    AsItIs,
    Decoded,
}

fn card_file(text: &str, first: Reading) -> Result<JobSource, SourceError> {
    let parse = |text: &str| CardPath::parse(text, &CardPath::root()).ok();
    let as_it_is = format!("/{}", text.trim_start_matches('/'));
    let decoded = percent_decode_str(&as_it_is).decode_utf8().ok();
    // `..` behind an escape is refused like any other, by the path's own rules.
    let decoded = decoded.and_then(|decoded| parse(&decoded));
    let as_it_is = parse(&as_it_is);
    let (path, or) = match first {
        Reading::AsItIs => (as_it_is, decoded),
        Reading::Decoded => (decoded, as_it_is),
    };
    let (path, or) = match (path, or) {
        (Some(path), or) => (path, or),
        (None, or) => (or.ok_or(SourceError::Path)?, None),
    };
    let or = or.filter(|other| *other != path);
    Ok(JobSource::Card(CardFile { path, or }))
}

/// An `https://` URL. It shows itself without its query, which may hold a signature, and without its user.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsUrl(Url);

impl HttpsUrl {
    /// The whole URL, its secrets included: to fetch from, never to show.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The last part of its path, for people.
    pub fn file_name(&self) -> String {
        let last = self.0.path_segments().and_then(Iterator::last);
        let name = percent_decode_str(last.unwrap_or_default()).decode_utf8_lossy();
        name.chars()
            .filter(|letter| !letter.is_control())
            .take(limits::TEXT / 4)
            .collect()
    }
}

impl FromStr for HttpsUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text.len() > LONGEST {
            return Err(SourceError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| SourceError::Malformed)?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" => Err(SourceError::ClearText),
            _ => Err(SourceError::Scheme),
        }
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "https://{host}")?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())?;
        if self.0.query().is_some() {
            f.write_str("?…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The MD5 that a command names for its whole file. It finds damage, and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// Of a finished digest.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Md5 {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let mut bytes = [0; 16];
        let mut digits = text.chars().map(|digit| digit.to_digit(16));
        for byte in &mut bytes {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(SourceError::Md5);
            };
            *byte = u8::try_from(high << 4 | low).map_err(|_| SourceError::Md5)?;
        }
        if digits.next().is_some() {
            return Err(SourceError::Md5);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not a place that a job's file may come from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// `http://`.
    #[error("http is refused, because it is clear text: use https, or a file on the card")]
    ClearText,
    /// Some other scheme.
    #[error("the URL is neither https nor a file on the card")]
    Scheme,
    /// No URL at all.
    #[error("the URL cannot be read")]
    Malformed,
    /// Longer than any that works.
    #[error("the URL is longer than {LONGEST} bytes")]
    TooLong,
    /// Not a path on the card.
    #[error("the URL names no file on the card")]
    Path,
    /// Not 32 hexadecimal digits.
    #[error("the MD5 is not 32 hexadecimal digits")]
    Md5,
}
