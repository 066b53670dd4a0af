//! `POST /v1/reports`: what printers say of themselves, for the census. The answer comes when it is durable.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Problem, json};
use super::{Shared, body};
use crate::census::Belief;

#[derive(Serialize)]
struct Recorded {
    recorded: usize,
    /// Reports that were not signed by the printer's known device key.
    unproven: usize,
    /// Reports of releases that no manifest lists, after too many such.
    unknown: usize,
}

/// Records one report or a list of them.
pub(super) async fn reports(State(gate): State<Shared>, bytes: Bytes) -> Response {
    let printers = match body::printers(&bytes) {
        Ok((printers, _)) => printers,
        Err(problem) => return problem.into_response(),
    };
    let now = Timestamp::now();
    let (mut entries, mut unproven, mut unknown) = (Vec::new(), 0, 0);
    for printer in printers {
        let report = gate.judge(&printer, now);
        let mut entry = printer.into_entry(now);
        match gate.parts.reports.believe(&mut entry, report) {
            Belief::Taken => entries.push(entry),
            Belief::Unproven => unproven += 1,
            Belief::Unknown => unknown += 1,
        }
    }
    let recorded = entries.len();
    match gate.parts.reports.record(entries).await {
        Ok(()) => json(
            StatusCode::OK,
            &Recorded {
                recorded,
                unproven,
                unknown,
            },
        ),
        Err(error) => Problem::unavailable("not-recorded", error.to_string()).into_response(),
    }
}
