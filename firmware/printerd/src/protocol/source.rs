//! Where a job's file is: the URL forms of `lan-protocol.md` as types. A clear-text URL is never a source.

use std::{fmt, str::FromStr};

use reqwest::Url;

/// Longest URL that is taken. Presigned ones with a session token come to about 2,000 bytes; more stops a client from
/// having the printer keep what it likes.
const LONGEST: usize = 4096;

/// An `https://` URL. It shows itself without its query, which may hold a signature, and without its user.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsUrl(Url);

impl HttpsUrl {
    /// The whole URL, its secrets included: to fetch from, never to show.
    pub fn expose(&self) -> &Url {
        &self.0
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
