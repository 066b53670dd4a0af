//! `POST /v1/files`: a presigned URL for one file of one printer, after a ruling that allows cloud printing.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use firstlayer_bundle::Sha256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::{Problem, json, set};
use super::authorize::Leave;
use super::{Shared, body};
use crate::Asked;
use crate::files::{ObjectName, Purpose};
use crate::printer::Said;

#[derive(Deserialize)]
struct Wish {
    #[serde(flatten)]
    printer: Said,
    name: ObjectName,
    purpose: Word,
    sha256: Option<Sha256>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Word {
    Download,
    Upload,
}

#[derive(Serialize)]
struct Given<'a> {
    method: &'a str,
    url: &'a str,
    /// To be sent with the request, just so.
    headers: BTreeMap<&'static str, String>,
    expires: Timestamp,
}

/// Hands out a URL, or says why not.
pub(super) async fn files(
    State(gate): State<Shared>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    match hand_out(&gate, &headers, &bytes).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn hand_out(gate: &Shared, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Problem> {
    let files = gate.parts.files.as_ref();
    let files = files.ok_or_else(|| Problem::not_set_up("model files"))?;
    let wish: Wish = body::document(bytes)?;
    let purpose = purpose(&wish)?;
    let printer = wish.printer.printer()?;
    let now = Timestamp::now();
    let report = gate.judge(&printer, now);
    if !gate.may_act(headers, report) {
        return Err(Problem::unknown_caller(
            "a printer signs its request with its device key; a service shows its token",
        ));
    }
    let word = match purpose {
        Purpose::Download => "download",
        Purpose::Upload { .. } => "upload",
    };
    let asked = Asked {
        printer: &printer,
        what: format!("{word} {}", wish.name),
        feature: &gate.cloud_print,
    };
    let verdict = match gate.ask(&asked, report, now).await? {
        Leave::Given(verdict) => verdict,
        Leave::Refused(answer) => return Ok(answer),
    };
    let presigned = files.url(&printer.serial, &wish.name, purpose).await;
    let presigned = presigned.map_err(|error| Problem::internal(&error.to_string()))?;
    gate.hand_out(&asked, verdict, now).await;
    let mut response = json(
        StatusCode::OK,
        &Given {
            method: presigned.method.as_str(),
            url: presigned.url.as_str(),
            headers: presigned.header.into_iter().collect(),
            expires: now.checked_add(files.lifetime()).unwrap_or(now),
        },
    );
    // Whoever has the URL has the file: no cache on the way may keep it.
    set(&mut response, CACHE_CONTROL, "no-store");
    Ok(response)
}

fn purpose(wish: &Wish) -> Result<Purpose, Problem> {
    match (wish.purpose, wish.sha256) {
        (Word::Download, None) => Ok(Purpose::Download),
        (Word::Upload, Some(sha256)) => Ok(Purpose::Upload { sha256 }),
        (Word::Download, Some(_)) => Err(Problem::bad("a download takes no sha256")),
        (Word::Upload, None) => Err(Problem::bad("an upload takes the sha256 of the file")),
    }
}
