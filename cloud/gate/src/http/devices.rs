//! `PUT /v1/devices/{serial}/key`: the operator registers the key that a printer signs its reports with.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use firstlayer_census::{DeviceKey, Serial};
use firstlayer_policy::Verdict;
use jiff::Timestamp;
use serde::Deserialize;

use super::answer::Problem;
use super::{Shared, body};
use crate::audit::Record;

#[derive(Deserialize)]
struct Key {
    key: String,
}

/// Keeps a printer's key, in place of one before.
pub(super) async fn set_key(
    State(gate): State<Shared>,
    Path(serial): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    match keep(&gate, &serial, &headers, &bytes).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn keep(
    gate: &Shared,
    serial: &str,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<(), Problem> {
    if !gate.is_operator(headers) {
        return Err(Problem::unknown_caller("this is for the operator's token"));
    }
    let bad = |error: &dyn std::error::Error| Problem::bad(error.to_string());
    let serial: Serial = serial.parse().map_err(|error| bad(&error))?;
    let key: DeviceKey = body::document::<Key>(bytes)?
        .key
        .parse()
        .map_err(|error| bad(&error))?;
    let stored = gate.parts.store.set_device_key(&serial, &key).await;
    stored.map_err(|error| {
        let why = crate::with_causes(&error);
        tracing::error!(%why, "a device key was not kept");
        Problem::unavailable("not-recorded", "the census cannot be written now")
    })?;
    gate.parts.keyring.add(&serial, key);
    gate.parts
        .audit
        .record(Record {
            time: Timestamp::now(),
            serial: serial.to_string(),
            asked: "device key".to_owned(),
            verdict: Verdict::Ok,
            granted: true,
            rule: None,
        })
        .await;
    Ok(())
}
