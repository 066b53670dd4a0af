//! The repository over HTTP or HTTPS. The signatures carry the trust: TLS only hides what is fetched.
//!
//! It must never follow a redirect from https to http, and never wait for ever.

use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use firstlayer_agent::{Content, Fetch, FetchError, Request, retry_after};
use jiff::Timestamp;
use reqwest::{
    StatusCode, Url,
    blocking::{Client, Response},
    header::{CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, IF_RANGE, RANGE, RETRY_AFTER},
    redirect,
};
use rustls::RootCertStore;

use crate::tls;

/// A body that brings less than this in a stall's time is given up: it would take a day for an image.
const SLOWEST: u64 = 4096;
/// Redirects that are followed: a content network needs one or two.
const MOST_REDIRECTS: usize = 5;

/// A repository behind a URL.
pub struct HttpFetch {
    client: Client,
    repository: Url,
    stall: Duration,
}

impl HttpFetch {
    /// A client for this repository; it connects when something is asked for. Certificates are judged by the clock,
    /// but by no time before `passed`, which has certainly passed.
    pub fn new(
        repository: Url,
        extra_ca: Option<&Path>,
        stall: Duration,
        passed: Timestamp,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(
                tls::client(authorities(extra_ca)?, passed).context("choosing TLS versions")?,
            )
            .redirect(redirect::Policy::custom(follow))
            .connect_timeout(stall)
            // Of each read, not of the whole: a large image may take hours, silence may not.
            .timeout(stall)
            .user_agent(concat!("printerd/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("preparing the HTTP client")?;
        Ok(Self {
            client,
            repository,
            stall,
        })
    }

    fn send(&self, request: &Request<'_>) -> Result<Response, FetchError> {
        let url = self
            .repository
            .join(request.path)
            .map_err(|error| FetchError::Protocol(error.to_string()))?;
        let mut get = self.client.get(url);
        if let Some(range) = &request.range {
            get = get.header(
                RANGE,
                format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
            );
            if let Some(validator) = request.validator {
                get = get.header(IF_RANGE, validator);
            }
        }
        get.send()
            .map_err(|error| FetchError::Connection(Box::new(error)))
    }
}

impl Fetch for HttpFetch {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        let response = self.send(request)?;
        let (ranged, total) = match response.status() {
            StatusCode::OK => (false, response.content_length()),
            StatusCode::PARTIAL_CONTENT => (true, partial(response.headers(), request)?),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status => return Err(refusal(status, response.headers())),
        };
        let validator = strong_validator(response.headers());
        let body = Box::new(Paced::new(response, self.stall));
        Ok(Some(Content {
            ranged,
            total,
            validator,
            body,
        }))
    }
}

/// The range that came must be the one that was asked for, or what the file has of it (RFC 9110, 15.3.7); anything
/// else is not looked at. Bytes of the whole file.
fn partial(headers: &HeaderMap, request: &Request<'_>) -> Result<Option<u64>, FetchError> {
    let broken = |what: &str| FetchError::Protocol(format!("its partial answer {what}"));
    let wanted = request
        .range
        .as_ref()
        .ok_or_else(|| broken("was not asked for"))?;
    let text =
        text(headers, CONTENT_RANGE).ok_or_else(|| broken("does not say which part it is"))?;
    let (range, total) =
        content_range(text).ok_or_else(|| broken("does not say which part it is"))?;
    let clipped = total.is_some_and(|total| range.end == total && total < wanted.end);
    if range.start != wanted.start || (range.end != wanted.end && !clipped) {
        return Err(broken(&format!(
            "is bytes {}-{}, and others were asked for",
            range.start, range.end
        )));
    }
    Ok(total)
}

/// `bytes 0-9/100` (RFC 9110, 14.4).
pub(crate) fn content_range(text: &str) -> Option<(std::ops::Range<u64>, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((first.parse().ok()?..end, total.parse().ok()))
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> FetchError {
    let passes = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if !passes {
        return FetchError::Refused {
            status: status.as_u16(),
        };
    }
    let asked = text(headers, RETRY_AFTER);
    let retry_after =
        asked.and_then(|asked| retry_after(asked, text(headers, DATE), Timestamp::now()));
    FetchError::Busy {
        status: status.as_u16(),
        retry_after,
    }
}

/// Only a strong entity tag says that two ranges are of the same bytes (RFC 9110, 13.1.5).
pub(crate) fn strong_validator(headers: &HeaderMap) -> Option<String> {
    text(headers, ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .map(str::to_owned)
}

pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if gives_up_tls(attempt.previous(), attempt.url()) {
        return attempt.error("the server redirects from https to http");
    }
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("the server redirects too often");
    }
    attempt.follow()
}

/// Once https, always https: also where http redirected to it first.
fn gives_up_tls(previous: &[Url], next: &Url) -> bool {
    next.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https")
}

/// Public authorities, and the operator's own.
pub(crate) fn authorities(extra_ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = tls::public_authorities();
    if let Some(path) = extra_ca {
        File::open(path)
            .map_err(anyhow::Error::from)
            .and_then(|file| Ok(tls::add_authorities(&mut roots, file)?))
            .with_context(|| format!("reading network.extra_ca, {}", path.display()))?;
    }
    Ok(roots)
}

/// A body that must bring something worth the wait.
struct Paced<R> {
    body: R,
    stall: Duration,
    waited: Duration,
    bytes: u64,
}

impl<R> Paced<R> {
    fn new(body: R, stall: Duration) -> Self {
        Self {
            body,
            stall,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Only waiting for the server counts, not what the reader does with the bytes.
        let asked = Instant::now();
        let count = self.body.read(buffer).map_err(plain)?;
        self.waited = self.waited.saturating_add(asked.elapsed());
        self.bytes = self.bytes.saturating_add(count as u64);
        if self.waited >= self.stall {
            if count > 0 && self.bytes < SLOWEST {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server sends next to nothing",
                ));
            }
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        }
        Ok(count)
    }
}

/// A read that fails says why in the last of its causes; that one is kept.
fn plain(error: io::Error) -> io::Error {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = source.to_string();
        cause = source.source();
    }
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests;
