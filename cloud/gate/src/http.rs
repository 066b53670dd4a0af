//! The gate over HTTP: routes, limits, and answers. It speaks clear text to a proxy or a service of the operator's beside
//! it, which speaks TLS to everybody else.

mod answer;
mod authorize;
mod body;
mod decisions;
mod devices;
mod files;
mod health;
mod mqtt;
mod observed;
mod operator;
mod overview;
mod reports;
mod server;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post, put};

use crate::Gate;
use crate::limits::BODY;

pub use server::serve;

type Shared = Arc<Gate>;

/// All routes of the gate.
pub fn router(gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/v1/authorize", get(authorize::authorize))
        // nginx may ask for its error page with the method of the refused request.
        .route("/v1/refusal", any(authorize::refusal))
        .route("/v1/update", get(update::update))
        .route("/v1/decisions", post(decisions::decisions))
        .route("/v1/reports", post(reports::reports))
        .route("/v1/files", post(files::files))
        .route("/v1/mqtt/credentials", post(mqtt::credentials))
        .route("/v1/mqtt/auth", post(mqtt::auth))
        .route("/v1/mqtt/acl", post(mqtt::acl))
        .route("/v1/devices/{serial}/key", put(devices::set_key))
        .route("/v1/census", get(operator::census))
        .route("/v1/history", get(operator::history))
        .route("/", get(overview::page))
        .route("/v1/overview", get(overview::overview))
        .route("/healthz", get(health::health))
        .route("/metrics", get(health::metrics))
        .fallback(answer::not_here)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(gate)
}
