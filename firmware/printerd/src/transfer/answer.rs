//! What a server's answer means: a file, a part of one, or why not.

use std::fmt::Write;

use firstlayer_agent::retry_after;
use jiff::Timestamp;
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, RETRY_AFTER},
};
use serde::Deserialize;

use super::{
    error::TransferError,
    limits::{EXPLANATION, WORDS},
};
use crate::{
    http::{content_range, strong_validator, text},
    redact,
};

/// An answer that brings bytes.
pub(super) enum Answer {
    /// The whole file.
    Whole(Whole),
    /// The file from where it was asked for on.
    Rest(Response),
    /// There is nothing behind what was asked for.
    Nothing,
}

/// The whole file, not yet read.
pub(super) struct Whole {
    pub(super) response: Response,
    /// Says of two files of one URL whether they are the same.
    pub(super) etag: Option<String>,
    pub(super) size: Option<u64>,
}

/// What was asked for: the file from `start` on, if it is still the one of `etag`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) start: u64,
    pub(super) etag: &'a str,
}

/// Judges an answer by its head; reads a little of the body where that says why.
pub(super) async fn judge(
    response: Response,
    asked: Option<Asked<'_>>,
) -> Result<Answer, TransferError> {
    let status = response.status();
    let headers = response.headers();
    if status.is_success() && encoded(headers) {
        return Err(TransferError::Protocol(
            "it is compressed, which was not asked for",
        ));
    }
    match (status, asked) {
        (StatusCode::OK, _) => Ok(Answer::Whole(Whole {
            etag: strong_validator(headers),
            size: response.content_length(),
            response,
        })),
        (StatusCode::PARTIAL_CONTENT, Some(asked)) => {
            check_part(headers, asked)?;
            Ok(Answer::Rest(response))
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(asked)) if ends_at(headers, asked.start) => {
            Ok(Answer::Nothing)
        }
        _ => Err(refusal(response).await),
    }
}

fn encoded(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
}

/// The part must be the one that was asked for, to the end, of the same file (RFC 9110, 15.3.7).
fn check_part(headers: &HeaderMap, asked: Asked<'_>) -> Result<(), TransferError> {
    let broken = TransferError::Protocol("it is another part than was asked for");
    let Some((range, total)) = text(headers, CONTENT_RANGE).and_then(content_range) else {
        return Err(broken);
    };
    let to_the_end = total.is_none_or(|total| total == range.end);
    let same = text(headers, ETAG).is_none_or(|etag| etag == asked.etag);
    if range.start == asked.start && to_the_end && same {
        Ok(())
    } else {
        Err(broken)
    }
}

/// `Content-Range: bytes */<size>` (RFC 9110, 14.4).
fn ends_at(headers: &HeaderMap, start: u64) -> bool {
    text(headers, CONTENT_RANGE)
        .and_then(|range| range.strip_prefix("bytes */")?.parse().ok())
        .is_some_and(|size: u64| size == start)
}

async fn refusal(response: Response) -> TransferError {
    let status = response.status();
    let code = status.as_u16();
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => busy(&response),
        status if status.is_server_error() => busy(&response),
        StatusCode::NOT_FOUND => TransferError::Absent { status: code },
        StatusCode::GONE => TransferError::Expired { status: code },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            if says_expired(&explanation(response).await) {
                TransferError::Expired { status: code }
            } else {
                TransferError::Refused { status: code }
            }
        }
        StatusCode::UPGRADE_REQUIRED => {
            TransferError::UpdateRequired(requirement(&explanation(response).await))
        }
        _ => TransferError::Status { status: code },
    }
}

fn busy(response: &Response) -> TransferError {
    let headers = response.headers();
    let retry_after = text(headers, RETRY_AFTER)
        .and_then(|asked| retry_after(asked, text(headers, DATE), Timestamp::now()));
    TransferError::Busy {
        status: response.status().as_u16(),
        retry_after,
    }
}

/// The beginning of a body that is no file. What S3 says there repeats the signature, so it is looked through and
/// never shown.
async fn explanation(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = EXPLANATION.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if room <= chunk.len() {
            break;
        }
    }
    body
}

/// S3 and those who follow it say so in words, under a code that stands for other things too.
fn says_expired(body: &[u8]) -> bool {
    String::from_utf8_lossy(body)
        .to_ascii_lowercase()
        .contains("expired")
}

/// What the cloud says that is needed.
#[derive(Deserialize, Default)]
struct Requirement {
    reason: Option<String>,
    version: Option<String>,
    deadline: Option<String>,
    help: Option<String>,
}

/// The cloud's words as a half sentence; nothing, if it is not the JSON that the gate sends.
fn requirement(body: &[u8]) -> String {
    let requirement: Requirement = serde_json::from_slice(body).unwrap_or_default();
    let mut words = String::new();
    let mut add = |before: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            // Writing to a text does not fail.
            let _ = write!(words, "{before}{}", plain(&value));
        }
    };
    add(": ", requirement.reason);
    add("; to version ", requirement.version);
    add(", since ", requirement.deadline);
    add("; see ", requirement.help);
    words
}

/// Somebody else's words: cut, on one line, without what a URL in them may hold.
fn plain(words: &str) -> String {
    let line: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS)
        .collect();
    redact::text(line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cloud_requires_is_said_in_its_words_but_bounded() {
        let body = r#"{"decision":"update-required","reason":"no TLS 1.3\nhere","version":"1.4.0",
            "deadline":"2026-11-25","help":"https://help.example.org/?token=secret"}"#;
        let words = requirement(body.as_bytes());
        assert_eq!(
            words,
            ": no TLS 1.3 here; to version 1.4.0, since 2026-11-25; see https://help.example.org/?token=…"
        );
        assert_eq!(requirement(b"<html>"), "");
        let long = format!("{{\"reason\":\"{}\"}}", "x".repeat(5000));
        assert!(requirement(long.as_bytes()).len() < WORDS + 10);
    }

    #[test]
    fn expiry_is_told_from_a_wrong_signature() {
        let expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message>";
        assert!(says_expired(expired));
        assert!(!says_expired(
            b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        ));
    }
}
