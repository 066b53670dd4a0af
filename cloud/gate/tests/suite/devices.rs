//! Device keys: registered by the operator, and what they change.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use ed25519_dalek::{Signer as _, SigningKey};
use firstlayer_census::DeviceKey;
use firstlayer_gate::keyring::canonical;
use firstlayer_gate::printer::Said;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::gate::{Answer, OPERATOR, Running, SERVICE, bearer, printer};
use crate::repository::{Repository, releases, rule};
use crate::rules::PAST;

const PATH: &str = "/v1/devices/FL-1/key";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn public() -> Value {
    let key = DeviceKey::from_bytes(key().verifying_key().as_bytes()).unwrap();
    json!({ "key": key.to_string() })
}

async fn put(gate: &Running, token: &str, body: &Value) -> Answer {
    let token = bearer(token);
    let headers = [("authorization", token.as_str())];
    gate.ask(Method::PUT, PATH, &headers, Body::from(body.to_string()))
        .await
}

/// What FL-1 says of itself, signed with its key.
pub(crate) fn signed(version: &str) -> Value {
    let time = Timestamp::now().to_string();
    let mut body = printer(version);
    let said: Said = serde_json::from_value(body.clone()).unwrap();
    let signature = key().sign(canonical(&said.printer().unwrap(), &time).as_bytes());
    let hex: String = signature
        .to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    body["time"] = time.into();
    body["signature"] = hex.into();
    body
}

/// A gate that knows FL-1's key, and whose rule wants reports signed.
pub(crate) async fn knowing() -> Running {
    let mut repository = Repository::new(&releases());
    let signed = format!("{}signed_reports = true\n", rule(PAST));
    repository.set_rules(1, &signed, Vec::new());
    repository.publish();
    let gate = Running::over(repository).await;
    assert_eq!(
        put(&gate, OPERATOR, &public()).await.status,
        StatusCode::NO_CONTENT
    );
    gate
}

#[tokio::test]
async fn only_the_operator_registers_a_key() {
    let gate = Running::over(Repository::new(&releases())).await;
    for token in ["", SERVICE, "operator-token-012345678"] {
        let answer = put(&gate, token, &public()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let weak = json!({ "key": format!("01{}", "00".repeat(31)) });
    assert_eq!(
        put(&gate, OPERATOR, &weak).await.status,
        StatusCode::BAD_REQUEST
    );
    assert!(gate.store.device_keys().await.unwrap().is_empty());
    assert_eq!(
        put(&gate, OPERATOR, &public()).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(gate.store.device_keys().await.unwrap().len(), 1);
    let audit = gate.audit().await;
    assert_eq!(audit[0]["asked"], "device key");
}

#[tokio::test]
async fn where_a_rule_wants_it_signed_a_claim_is_not_enough() {
    let gate = knowing().await;
    let claimed = gate
        .post("/v1/decisions", &[], &printer("1.4.0"))
        .await
        .json();
    assert_eq!(claimed["verdict"], "update-required");
    assert_eq!(claimed["findings"][0]["why"]["why"], "unsigned");
    let proven = gate
        .post("/v1/decisions", &[], &signed("1.4.0"))
        .await
        .json();
    assert_eq!(
        (&proven["verdict"], &proven["report"]),
        (&"ok".into(), &"signed".into())
    );
}

#[tokio::test]
async fn nobody_updates_a_printer_with_a_key_in_the_census_for_it() {
    let gate = knowing().await;
    gate.post("/v1/reports", &[], &signed("1.2.0")).await;
    let forged = gate.post("/v1/reports", &[], &printer("1.4.0")).await;
    assert_eq!(
        forged.json(),
        json!({ "recorded": 0, "unproven": 1, "unknown": 0 })
    );
    let groups = gate.store.groups().await.unwrap();
    let versions: Vec<_> = groups
        .iter()
        .map(|(key, _)| key.version.to_string())
        .collect();
    assert_eq!(versions, ["1.2.0"]);
}
