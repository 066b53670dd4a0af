//! `/` and `/v1/overview`: how things stand, as a page and as JSON from the same value. For the operator's network, as
//! the history and the metrics are: it counts printers, and names none.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Shared;
use super::answer::{json, set};
use crate::overview::{Overview, STYLE, Standings, page as render};

/// The page brings its style, which is known to the byte, and nothing else: no script, no image, nothing from elsewhere.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// `GET /v1/overview`: JSON.
pub(super) async fn overview(State(gate): State<Shared>) -> Response {
    let mut response = json(StatusCode::OK, &look(&gate).await);
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// `GET /`: for people.
pub(super) async fn page(State(gate): State<Shared>) -> Response {
    let page = render(&look(&gate).await).into_string();
    let mut response = Response::new(Body::from(page));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        set(&mut response, name, value);
    }
    response
}

/// Without the census, the rest is still worth seeing.
async fn look(gate: &Shared) -> Overview {
    let now = Timestamp::now();
    let field = match gate.fields.counted(now).await {
        Ok(field) => Some(field),
        Err(error) => {
            let why = crate::with_causes(&error);
            tracing::error!(%why, "the census cannot be counted");
            None
        }
    };
    let standing = &gate.parts.standing;
    let in_force = standing.in_force();
    let (status, alarm) = standing.status(now);
    let standings = Standings {
        status,
        alarm,
        in_force: in_force.as_deref(),
    };
    Overview::new(standings, field.as_deref(), now)
}
