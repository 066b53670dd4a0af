//! What people and programs are shown of the gate holds no secret.

use axum::body::Body;
use axum::http::Method;
use firstlayer_gate::Tokens;
use firstlayer_gate::files::{FileSettings, Files};
use firstlayer_gate::mqtt::Issuer;
use firstlayer_gate::secret::Secret;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

use crate::gate::{OPERATOR, Running, S3_SECRET, SERVICE, bearer, printer};
use crate::repository::{Repository, releases};
use crate::rules::PAST;

#[test]
fn nothing_that_holds_a_secret_shows_it_in_debug() {
    let secret = Secret::new(S3_SECRET);
    let settings = FileSettings {
        endpoint: "https://s3.example.org".parse().unwrap(),
        region: "eu-1".to_owned(),
        bucket: "models".to_owned(),
        key_id: "GATEKEY".to_owned(),
        secret: secret.clone(),
        lifetime: Duration::from_secs(300),
    };
    let issuer = Issuer::new(&secret, Duration::from_secs(60));
    let given = issuer.issue(&"FL-1".parse().unwrap(), Timestamp::UNIX_EPOCH);
    let password = given.password.expose().to_owned();
    let files = Files::new(&settings).unwrap();
    let tokens = Tokens {
        operator: secret.clone(),
        service: Some(secret.clone()),
    };
    let shown = format!("{secret:?} {settings:?} {files:?} {issuer:?} {given:?} {tokens:?}");
    for secret in [S3_SECRET, &password] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn no_answer_error_or_metric_repeats_a_secret() {
    let gate = Running::over(Repository::with_rule(&releases(), PAST)).await;
    let token = bearer(SERVICE);
    let service = [("authorization", token.as_str())];
    let mut wish = printer("1.4.0");
    wish["name"] = "cube.3mf".into();
    wish["purpose"] = "download".into();
    let given = gate
        .post("/v1/mqtt/credentials", &service, &printer("1.4.0"))
        .await
        .json();
    let password = given["password"].as_str().unwrap().to_owned();
    let url = gate.post("/v1/files", &service, &wish).await.json();
    let url = url["url"].as_str().unwrap().to_owned();
    let signature = url.split("X-Amz-Signature=").nth(1).unwrap().to_owned();
    let quoting = Body::from(format!("{{\"password\": {password}, \"{SERVICE}\""));
    let quoted = gate
        .ask(Method::POST, "/v1/mqtt/auth", &service, quoting)
        .await;
    let mut shown = vec![quoted.text, gate.get("/metrics", &[]).await.text];
    shown.push(gate.get("/healthz", &[]).await.text);
    shown.push(gate.get(&format!("/{SERVICE}"), &service).await.text);
    shown.push(json!(gate.audit().await).to_string());
    for text in shown {
        for secret in [S3_SECRET, OPERATOR, SERVICE, &password, &signature] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
