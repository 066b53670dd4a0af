//! `POST /v1/decisions`: what the rules say of one printer or of many. It asks, and withholds nothing by itself.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{Problem, json};
use super::{Shared, authorize::decide, body};
use crate::decision::Decision;

/// One decision or a list of them, as the body has one printer or a list; with `?form=mqtt` as the messages by which
/// printers are told.
pub(super) async fn decisions(State(gate): State<Shared>, uri: Uri, bytes: Bytes) -> Response {
    let as_messages = match uri.query() {
        None => false,
        Some("form=mqtt") => true,
        Some(_) => return Problem::bad("the query is not form=mqtt").into_response(),
    };
    let (printers, is_list) = match body::printers(&bytes) {
        Ok(printers) => printers,
        Err(problem) => return problem.into_response(),
    };
    let now = Timestamp::now();
    let response = {
        let guard = gate.parts.standing.in_force();
        let Some(in_force) = guard.as_ref() else {
            return Problem::no_rules().into_response();
        };
        let decisions: Vec<Decision<'_>> = printers
            .iter()
            .map(|printer| decide(&gate, in_force, printer, now))
            .collect();
        for decision in &decisions {
            gate.parts
                .metrics
                .decided(decision.ruling().verdict.as_str());
        }
        let messages = || -> Vec<Value> {
            let told = decisions.iter();
            told.map(|decision| decision.message(&gate.cloud_print))
                .collect()
        };
        match (is_list, as_messages, decisions.first()) {
            (false, false, Some(one)) => json(StatusCode::OK, one),
            (false, true, Some(one)) => json(StatusCode::OK, &one.message(&gate.cloud_print)),
            (_, true, _) => json(StatusCode::OK, &messages()),
            (_, false, _) => json(StatusCode::OK, &decisions),
        }
    };
    for printer in printers {
        let report = gate.judge(&printer, now);
        gate.parts.reports.note(printer.into_entry(now), report);
    }
    response
}
