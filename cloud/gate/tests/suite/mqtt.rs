//! Credentials for MQTT, and a broker that asks.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::devices::{knowing, signed};
use crate::gate::{Answer, Running, SERVICE, bearer, printer};
use crate::repository::{Repository, releases, rule};
use crate::rules::PAST;

async fn credentials(gate: &Running, printer: &Value) -> Answer {
    let token = bearer(SERVICE);
    gate.post(
        "/v1/mqtt/credentials",
        &[("authorization", &token)],
        printer,
    )
    .await
}

async fn login(gate: &Running, username: &str, password: &str, client: &str) -> Value {
    let body = json!({ "username": username, "password": password, "clientid": client });
    gate.post("/v1/mqtt/auth", &[], &body).await.json()
}

#[tokio::test]
async fn a_printer_that_must_update_still_hears_so() {
    let gate = Running::over(Repository::with_rule(&releases(), PAST)).await;
    let given = credentials(&gate, &printer("1.2.0")).await;
    assert_eq!(
        (given.status, given.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    let given = given.json();
    assert_eq!(given["topics"], "device/FL-1/#");
    let password = given["password"].as_str().unwrap();
    let allowed = login(&gate, "FL-1", password, "FL-1").await;
    assert_eq!(allowed["result"], "allow");
    assert!(allowed["expire_at"].as_i64().unwrap() > 0);
    for (username, client, result) in [
        ("FL-2", "FL-2", "deny"),
        ("FL-1", "FL-2", "deny"),
        ("dashboard", "dashboard", "ignore"),
    ] {
        assert_eq!(
            login(&gate, username, password, client).await["result"],
            result
        );
    }
    assert_eq!(
        login(&gate, "FL-1", "hunter2", "FL-1").await["result"],
        "ignore"
    );
    let audit = gate.audit().await;
    assert!(!format!("{audit:?}").contains(password));
}

#[tokio::test]
async fn only_a_rule_on_cloud_control_withholds_the_connection() {
    let mut repository = Repository::new(&releases());
    let control = rule(PAST).replace("cloud-print", "cloud-control");
    repository.set_rules(1, &control, Vec::new());
    repository.publish();
    let gate = Running::over(repository).await;
    let refused = credentials(&gate, &printer("1.2.0")).await;
    assert_eq!(refused.status, StatusCode::UPGRADE_REQUIRED);
    assert!(!refused.text.contains("fl1."));
    assert_eq!(
        credentials(&gate, &printer("1.4.0")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn who_proves_nothing_gets_no_credentials() {
    let gate = knowing().await;
    for headers in [&[][..], &[("authorization", "Bearer wrong")]] {
        let answer = gate
            .post("/v1/mqtt/credentials", headers, &printer("1.4.0"))
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let proven = gate
        .post("/v1/mqtt/credentials", &[], &signed("1.4.0"))
        .await;
    assert_eq!(proven.status, StatusCode::OK);
}

#[tokio::test]
async fn a_printer_may_use_its_own_topics_and_no_others() {
    let gate = Running::over(Repository::new(&releases())).await;
    for (username, action, topic, result) in [
        ("FL-1", "publish", "device/FL-1/report", "allow"),
        ("FL-1", "subscribe", "device/FL-1/request", "allow"),
        ("FL-1", "subscribe", "device/FL-2/request", "deny"),
        ("FL-1", "publish", "$SYS/brokers", "deny"),
        ("dashboard", "subscribe", "#", "ignore"),
    ] {
        let body = json!({ "username": username, "action": action, "topic": topic });
        let answer = gate.post("/v1/mqtt/acl", &[], &body).await;
        assert_eq!(answer.json()["result"], result, "{body}");
    }
}
