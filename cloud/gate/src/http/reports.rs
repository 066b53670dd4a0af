//! `POST /v1/reports`: what printers say of themselves, for the census. The answer comes when it is durable.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Problem, json};
use super::{Shared, body};

#[derive(Serialize)]
struct Recorded {
    recorded: usize,
    /// Reports that were not signed by the printer's known device key.
    unproven: usize,
}

/// Records one report or a list of them.
pub(super) async fn reports(State(gate): State<Shared>, bytes: Bytes) -> Response {
    let printers = match body::printers(&bytes) {
        Ok((printers, _)) => printers,
        Err(problem) => return problem.into_response(),
    };
    let now = Timestamp::now();
    let said = printers.len();
    let believed = printers.into_iter().filter(|printer| {
        let report = gate.judge(printer, now);
        gate.parts.reports.is_believed(report)
    });
    let entries: Vec<_> = believed.map(|printer| printer.into_entry(now)).collect();
    let recorded = entries.len();
    match gate.parts.reports.record(entries).await {
        Ok(()) => json(
            StatusCode::OK,
            &Recorded {
                recorded,
                unproven: said - recorded,
            },
        ),
        Err(error) => Problem::unavailable("not-recorded", error.to_string()).into_response(),
    }
}
