//! What is noted of each request: its route, its status and its time. Never its URL, its headers or its body: those may
//! hold a signature or a token.

use std::time::Instant;

use axum::http::{Method, StatusCode};

use crate::metrics::Metrics;

/// What is asked before each job. nginx has a log of its own of these, so they are not told twice.
const BEFORE_EACH_JOB: [&str; 2] = ["/v1/authorize", "/v1/decisions"];

/// A request that is being answered.
pub(super) struct Observed {
    route: &'static str,
    method: Method,
    begun: Instant,
}

impl Observed {
    pub(super) fn new(method: &Method, path: &str) -> Self {
        Self {
            route: route(path),
            method: method.clone(),
            begun: Instant::now(),
        }
    }

    /// It was answered.
    pub(super) fn answered(self, status: StatusCode, metrics: &Metrics) {
        let took = self.begun.elapsed();
        metrics.answered(self.route, status.as_str(), took);
        let (route, method, status) = (self.route, self.method, status.as_u16());
        let micros = took.as_micros();
        if status >= 500 {
            tracing::warn!(%method, route, status, micros, "request");
        } else if BEFORE_EACH_JOB.contains(&route) {
            tracing::debug!(%method, route, status, micros, "request");
        } else {
            tracing::info!(%method, route, status, micros, "request");
        }
    }
}

/// The route of a path; whatever else somebody asks for is one.
fn route(path: &str) -> &'static str {
    const ROUTES: [&str; 15] = [
        "/v1/authorize",
        "/v1/refusal",
        "/v1/update",
        "/v1/decisions",
        "/v1/reports",
        "/v1/files",
        "/v1/mqtt/credentials",
        "/v1/mqtt/auth",
        "/v1/mqtt/acl",
        "/v1/census",
        "/v1/history",
        "/v1/overview",
        "/",
        "/healthz",
        "/metrics",
    ];
    let known = ROUTES.into_iter().find(|route| *route == path);
    known.unwrap_or(match path.starts_with("/v1/devices/") {
        true => "/v1/devices",
        false => "other",
    })
}
