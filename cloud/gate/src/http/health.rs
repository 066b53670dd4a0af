//! `/healthz` and `/metrics`: how the gate stands, for people, load balancers and Prometheus.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use firstlayer_policy::Channel;
use jiff::Timestamp;
use serde::Serialize;

use super::Shared;
use super::answer::{Problem, json, set};
use crate::metadata::{Alarm, InForce, Status};

#[derive(Serialize)]
struct Health<'a> {
    status: Status,
    #[serde(flatten)]
    alarm: Option<Alarm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Rules<'a>>,
}

#[derive(Serialize)]
struct Rules<'a> {
    revision: u64,
    rules: usize,
    timestamp: u64,
    accepted: Timestamp,
    expires: Timestamp,
    channels: Vec<&'a Channel>,
}

impl<'a> Rules<'a> {
    fn of(in_force: &'a InForce) -> Self {
        Self {
            revision: in_force.revision(),
            rules: in_force.policy().enforcement().rules().len(),
            timestamp: in_force.timestamp_version(),
            accepted: in_force.accepted(),
            expires: in_force.expires(),
            channels: in_force.channels().collect(),
        }
    }
}

/// `ok`; `degraded` with why, while the last good rules are in force; `starting` and 503 while there are none.
pub(super) async fn health(State(gate): State<Shared>) -> Response {
    let guard = gate.parts.standing.in_force();
    let (status, alarm) = gate.parts.standing.status(Timestamp::now());
    let code = match status {
        Status::Starting => StatusCode::SERVICE_UNAVAILABLE,
        Status::Degraded | Status::Ok => StatusCode::OK,
    };
    let rules = guard.as_deref().map(Rules::of);
    json(
        code,
        &Health {
            status,
            alarm,
            rules,
        },
    )
}

/// Everything that is counted.
pub(super) async fn metrics(State(gate): State<Shared>) -> Response {
    let (standing, metrics) = (&gate.parts.standing, &gate.parts.metrics);
    let (status, _) = standing.status(Timestamp::now());
    metrics.fresh(status == Status::Ok);
    if let Some(in_force) = standing.in_force().as_ref() {
        metrics.stands(in_force.revision(), in_force.expires().as_second());
    }
    match metrics.text() {
        Ok(text) => {
            let mut response = text.into_response();
            set(&mut response, CONTENT_TYPE, "text/plain; version=0.0.4");
            response
        }
        Err(_) => Problem::internal("the metrics cannot be written").into_response(),
    }
}
