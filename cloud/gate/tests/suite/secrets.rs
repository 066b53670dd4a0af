//! What people and programs are shown of the gate holds no secret.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::attacks::PAST;
use crate::gate::{OPERATOR, Running, S3_SECRET, SERVICE, bearer, printer};
use crate::repository::{Repository, releases};

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
    shown.push(gate.get("/health", &[]).await.text);
    shown.push(gate.get(&format!("/{SERVICE}"), &service).await.text);
    shown.push(json!(gate.audit().await).to_string());
    for text in shown {
        for secret in [S3_SECRET, OPERATOR, SERVICE, &password, &signature] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
