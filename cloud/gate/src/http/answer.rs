//! Answers: JSON, and for what went wrong a word for programs and a sentence for people.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::printer::PrinterError;

/// Something that went wrong; whose fault it is stands in the status.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl Problem {
    /// The caller's fault.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// The caller does not show who it is.
    pub(super) fn unknown_caller(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-authenticated", message)
    }

    /// The operator has not set this up.
    pub(super) fn not_set_up(what: &str) -> Self {
        let message = format!("this gate is not set up for {what}");
        Self::new(StatusCode::NOT_FOUND, "not-set-up", message)
    }

    /// No rules were verified yet, so nothing is known about anybody.
    pub(super) fn no_rules() -> Self {
        let message = "no rules were verified yet; GET /healthz says why";
        Self::unavailable("no-rules", message)
    }

    /// Something behind the gate is away.
    pub(super) fn unavailable(error: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, message)
    }

    /// The gate's own fault.
    pub(super) fn internal(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            error,
            message,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("5");
            response.headers_mut().insert(RETRY_AFTER, soon);
        }
        response
    }
}

impl From<PrinterError> for Problem {
    fn from(error: PrinterError) -> Self {
        Self::bad(error.to_string())
    }
}

/// A document.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(bytes) = serde_json::to_vec(value) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// Sets a header to a text that is known to be plain.
pub(super) fn set(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

/// What the gate has nothing for.
pub(super) async fn not_here() -> Response {
    let problem = Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing here");
    problem.into_response()
}
