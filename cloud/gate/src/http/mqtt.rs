//! MQTT over HTTP: credentials for printers, and the questions of a broker that asks (EMQX).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use firstlayer_census::Serial;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as object;

use super::answer::{Problem, json, set};
use super::authorize::Leave;
use super::{Shared, body};
use crate::Asked;
use crate::mqtt::{Action, Unusable, may};
use crate::printer::Said;

#[derive(Serialize)]
struct Given<'a> {
    username: &'a str,
    client_id: &'a str,
    password: &'a str,
    until: Timestamp,
    topics: String,
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    clientid: String,
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    username: String,
    action: Action,
    topic: String,
}

/// `POST /v1/mqtt/credentials`: a printer's, short-lived. A printer that must update gets them too, since this is how it
/// hears so, unless a rule withholds `cloud-control`.
pub(super) async fn credentials(
    State(gate): State<Shared>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    match give(&gate, &headers, &bytes).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn give(gate: &Shared, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Problem> {
    let mqtt = gate.parts.mqtt.as_ref();
    let mqtt = mqtt.ok_or_else(|| Problem::not_set_up("MQTT"))?;
    let printer = body::document::<Said>(bytes)?.printer()?;
    let now = Timestamp::now();
    let report = gate.judge(&printer, now);
    if !gate.may_act(headers, report) {
        return Err(Problem::unknown_caller(
            "a printer signs its request with its device key; a service shows its token",
        ));
    }
    let asked = Asked {
        printer: &printer,
        what: "mqtt credentials".to_owned(),
        feature: &gate.cloud_control,
    };
    let verdict = match gate.ask(&asked, report, now).await? {
        Leave::Given(verdict) => verdict,
        Leave::Refused(answer) => return Ok(answer),
    };
    let given = mqtt.issuer.issue(&printer.serial, now);
    if let Some(broker) = &mqtt.broker {
        broker.admit(&given).await.map_err(|error| {
            let why = crate::with_causes(&error);
            tracing::error!(%why, "the broker did not let a printer in");
            Problem::unavailable("no-broker", "the broker cannot be reached now")
        })?;
    }
    gate.hand_out(&asked, verdict, now).await;
    let mut response = json(
        StatusCode::OK,
        &Given {
            username: given.serial.as_str(),
            client_id: given.serial.as_str(),
            password: given.password.expose(),
            until: given.until,
            topics: format!("device/{}/#", given.serial),
        },
    );
    set(&mut response, CACHE_CONTROL, "no-store");
    Ok(response)
}

/// `POST /v1/mqtt/auth`: EMQX asks whether a client may connect. `ignore` leaves it to the broker's next authenticator.
pub(super) async fn auth(State(gate): State<Shared>, bytes: Bytes) -> Response {
    let login: Login = match body::document(&bytes) {
        Ok(login) => login,
        Err(problem) => return problem.into_response(),
    };
    let answer = match (&gate.parts.mqtt, login.username.parse::<Serial>()) {
        (Some(mqtt), Ok(serial)) => {
            match mqtt
                .issuer
                .check(&serial, &login.password, Timestamp::now())
            {
                // Under another client identifier it could take over a session that is not its own.
                Ok(_) if login.clientid != login.username => object!({ "result": "deny" }),
                Ok(until) => object!({
                    "result": "allow", "is_superuser": false, "expire_at": until.as_second(),
                }),
                Err(Unusable::Refused) => object!({ "result": "deny" }),
                Err(Unusable::NotOurs) => object!({ "result": "ignore" }),
            }
        }
        _ => object!({ "result": "ignore" }),
    };
    json(StatusCode::OK, &answer)
}

/// `POST /v1/mqtt/acl`: EMQX asks whether a client may use a topic. Who is no printer is left to the broker's other
/// rules.
pub(super) async fn acl(State(gate): State<Shared>, bytes: Bytes) -> Response {
    let wish: Wish = match body::document(&bytes) {
        Ok(wish) => wish,
        Err(problem) => return problem.into_response(),
    };
    let result = match (&gate.parts.mqtt, wish.username.parse::<Serial>()) {
        (Some(_), Ok(serial)) if may(&serial, wish.action, &wish.topic) => "allow",
        (Some(_), Ok(_)) => "deny",
        _ => "ignore",
    };
    json(StatusCode::OK, &object!({ "result": result }))
}
