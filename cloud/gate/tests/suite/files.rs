//! Presigned URLs: for whom, for what, and what is in them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::devices::{knowing, signed};
use crate::gate::{Running, S3_SECRET, SERVICE, bearer, printer};
use crate::repository::{Repository, releases};
use crate::rules::PAST;

fn wish(mut printer: Value, name: &str, purpose: &str) -> Value {
    printer["name"] = name.into();
    printer["purpose"] = purpose.into();
    printer
}

async fn enforcing() -> Running {
    Running::over(Repository::with_rule(&releases(), PAST)).await
}

async fn ask(gate: &Running, wish: &Value) -> crate::gate::Answer {
    let token = bearer(SERVICE);
    gate.post("/v1/files", &[("authorization", &token)], wish)
        .await
}

#[tokio::test]
async fn a_url_is_for_one_file_of_one_printer_for_minutes() {
    let gate = enforcing().await;
    let answer = ask(&gate, &wish(printer("1.4.0"), "cube.3mf", "download")).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    let body = answer.json();
    assert_eq!(body["method"], "GET");
    let url = body["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://s3.example.org/models/FL-1/cube.3mf?"),
        "{url}"
    );
    assert!(
        url.contains("X-Amz-Expires=300&") && url.contains("GATEKEY"),
        "{url}"
    );
    assert!(!url.contains(S3_SECRET));
    let mut upload = wish(printer("1.4.0"), "cube.3mf", "upload");
    upload["sha256"] = "00".repeat(32).into();
    let body = ask(&gate, &upload).await.json();
    assert_eq!(body["method"], "PUT");
    let signed = "X-Amz-SignedHeaders=host%3Bx-amz-checksum-sha256";
    assert!(body["url"].as_str().unwrap().contains(signed), "{body}");
    let checksum = format!("{}=", "A".repeat(43));
    assert_eq!(
        body["headers"],
        json!({ "x-amz-checksum-sha256": checksum })
    );
    let audit = gate.audit().await;
    assert_eq!(audit[0]["asked"], "download cube.3mf");
    assert!(
        !audit
            .iter()
            .any(|record| record.to_string().contains("X-Amz"))
    );
}

#[tokio::test]
async fn a_printer_that_must_update_gets_no_url() {
    let gate = enforcing().await;
    let answer = ask(&gate, &wish(printer("1.2.0"), "cube.3mf", "download")).await;
    assert_eq!(answer.status, StatusCode::UPGRADE_REQUIRED);
    assert!(!answer.text.contains("X-Amz"));
    let audit = gate.audit().await;
    assert_eq!(
        (&audit[0]["granted"], &audit[0]["rule"]),
        (&false.into(), &"https-only".into())
    );
}

#[tokio::test]
async fn who_proves_nothing_gets_nobodys_files() {
    let gate = knowing().await;
    let claimed = wish(printer("1.4.0"), "cube.3mf", "download");
    let answer = gate.post("/v1/files", &[], &claimed).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let proven = wish(signed("1.4.0"), "cube.3mf", "download");
    assert_eq!(
        gate.post("/v1/files", &[], &proven).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_and_odd_wishes_are_refused() {
    let gate = enforcing().await;
    for name in [
        "../FL-2/cube.3mf",
        "a/b",
        "",
        ".hidden",
        "..",
        "a?b",
        "a%2Fb",
        "ä",
        &"x".repeat(129),
    ] {
        let answer = ask(&gate, &wish(printer("1.4.0"), name, "download")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
    }
    for (purpose, sha256) in [
        ("download", json!("00".repeat(32))),
        ("upload", json!(null)),
        ("upload", json!("00")),
        ("delete", json!(null)),
    ] {
        let mut odd = wish(printer("1.4.0"), "cube.3mf", purpose);
        odd["sha256"] = sha256;
        assert_eq!(
            ask(&gate, &odd).await.status,
            StatusCode::BAD_REQUEST,
            "{odd}"
        );
    }
}
