//! `GET /v1/update`: where a printer's update is. Always answered: whatever is wrong with the question, with the rules or
//! with the gate, the place where updates are is known.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use firstlayer_policy::Report;

use super::Shared;
use super::answer::json;
use crate::decision::Update;
use crate::printer::Printer;

/// The repository, and the way of versions as far as it is known.
pub(super) async fn update(State(gate): State<Shared>, headers: HeaderMap) -> Response {
    let printer = Printer::from_headers(&headers).ok();
    let guard = gate.parts.standing.in_force();
    let facts = printer
        .as_ref()
        .map(|printer| printer.facts(Report::Claimed));
    let known = guard.as_deref().zip(facts.as_ref());
    json(StatusCode::OK, &Update::new(known, &gate.parts.repository))
}
