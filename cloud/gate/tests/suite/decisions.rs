//! Decisions for one printer and for many, as HTTP and as the printer's own message, and the census.

use axum::http::StatusCode;
use firstlayer_census::Serial;
use serde_json::{Value, json};

use crate::gate::{OPERATOR, Running, bearer, printer};
use crate::repository::{Repository, releases};
use crate::rules::PAST;

async fn enforcing() -> Running {
    Running::over(Repository::with_rule(&releases(), PAST)).await
}

#[tokio::test]
async fn one_printer_gets_one_decision_and_a_list_a_list() {
    let gate = enforcing().await;
    let one = gate.post("/v1/decisions", &[], &printer("1.2.0")).await;
    assert_eq!(
        (one.status, &one.json()["verdict"]),
        (StatusCode::OK, &"update-required".into())
    );
    let both = json!([printer("1.2.0"), printer("1.4.0")]);
    let both = gate.post("/v1/decisions", &[], &both).await.json();
    let verdicts: Vec<_> = both
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["verdict"])
        .collect();
    assert_eq!(verdicts, ["update-required", "ok"]);
}

#[tokio::test]
async fn the_message_is_what_the_printer_takes() {
    let gate = enforcing().await;
    let message = gate
        .post("/v1/decisions?form=mqtt", &[], &printer("1.2.0"))
        .await
        .json();
    assert_eq!(
        message["cloud"],
        json!({
            "sequence_id": "0", "command": "decision", "decision": "update-required",
            "reason": "Model files went over the network unprotected.", "deadline": PAST,
            "version": "1.4.0", "help": "https://example.org/https",
        })
    );
    let well = gate
        .post("/v1/decisions?form=mqtt", &[], &printer("1.4.0"))
        .await
        .json();
    assert_eq!(well["cloud"]["decision"], "ok");
}

#[tokio::test]
async fn too_many_or_malformed_printers_are_refused() {
    let gate = enforcing().await;
    let many = Value::from(vec![printer("1.2.0"); 1001]);
    let mut wrong = printer("1.2.0");
    wrong["version"] = "<script>".into();
    for (body, told) in [
        (many, "1000 are taken at once"),
        (
            json!([printer("1.2.0"), wrong]),
            "printer 1 of the list: version",
        ),
        (json!("hello"), "not the JSON"),
        (json!({}), "serial is missing"),
    ] {
        let answer = gate.post("/v1/decisions", &[], &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(told), "{message}");
    }
    let huge = Value::from("x".repeat(2 << 20));
    let answer = gate.post("/v1/decisions", &[], &huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn names_made_up_by_the_thousand_leave_the_census_readable() {
    let gate = enforcing().await;
    let made_up = |from: usize| -> Vec<Value> {
        let numbers = from..from + 1000;
        let report = |at: usize| {
            let mut report = printer(&format!("7.0.{at}"));
            report["serial"] = format!("FL-{at}").into();
            report["region"] = format!("r{at}").into();
            report
        };
        numbers.map(report).collect()
    };
    let mut recorded = 0;
    for from in [0, 1000, 2000] {
        let answer = gate.post("/v1/reports", &[], &made_up(from).into()).await;
        let answer = answer.json();
        let of = |key: &str| answer[key].as_u64().unwrap();
        assert_eq!(of("recorded") + of("unknown"), 1000);
        recorded += of("recorded");
    }
    assert_eq!(recorded, 1024);
    // What was heard before, and releases that a manifest lists, come in as ever.
    let mut known = made_up(0);
    known.truncate(5);
    let answer = gate.post("/v1/reports", &[], &known.into()).await;
    assert_eq!(answer.json()["recorded"], 5);
    let listed = |serial: &str, region: &str| {
        json!({ "serial": serial, "model": "first-mini", "version": "1.4.0", "channel": "stable",
            "region": region })
    };
    let regions = json!([listed("FL-A", "r1"), listed("FL-B", "eu")]);
    let answer = gate.post("/v1/reports", &[], &regions).await;
    assert_eq!(answer.json()["recorded"], 2);
    assert_eq!(gate.store.groups().await.unwrap().total(), 1026);
    let token = bearer(OPERATOR);
    let export = gate.get("/v1/census", &[("authorization", &token)]).await;
    // A region too many is left out, and its printer is not.
    for line in [
        "FL-A,first-mini,1.4.0,stable,r1,",
        "FL-B,first-mini,1.4.0,stable,,",
    ] {
        assert!(export.text.contains(line), "{line}");
    }
    assert!(
        gate.metrics
            .text()
            .unwrap()
            .contains("gate_reports_total{outcome=\"unknown\"} 1976")
    );
}

#[tokio::test]
async fn an_acknowledged_report_is_in_the_census() {
    let gate = enforcing().await;
    let body = json!([printer("1.2.0"), { "serial": "FL-2", "model": "first-mini", "version": "1.4.0",
        "channel": "stable", "region": "eu", "later-field": true }]);
    let answer = gate.post("/v1/reports", &[], &body).await;
    assert_eq!(
        answer.json(),
        json!({ "recorded": 2, "unproven": 0, "unknown": 0 })
    );
    assert_eq!(gate.store.groups().await.unwrap().total(), 2);
    let token = bearer(OPERATOR);
    let export = gate.get("/v1/census", &[("authorization", &token)]).await;
    assert!(
        export.text.contains("FL-2,first-mini,1.4.0,stable,eu,"),
        "{}",
        export.text
    );
    assert_eq!(
        gate.get("/v1/census", &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
    let history = gate.get("/v1/history", &[]).await.json();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
}

#[tokio::test]
async fn every_printer_that_is_decided_about_comes_into_the_census() {
    let gate = enforcing().await;
    gate.post("/v1/decisions", &[], &printer("1.2.0")).await;
    let store = gate.store.clone();
    // The end of the gate writes what nobody waited for.
    let _folder = gate.end().await;
    assert_eq!(store.groups().await.unwrap().total(), 1);
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_is_not_acknowledged() {
    let gate = enforcing().await;
    gate.store.close().await;
    let answer = gate.post("/v1/reports", &[], &printer("1.2.0")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let serial: Serial = "FL-1".parse().unwrap();
    assert!(!answer.text.contains(serial.as_str()));
    // And decisions do not depend on it.
    let decided = gate.post("/v1/decisions", &[], &printer("1.2.0")).await;
    assert_eq!(decided.json()["verdict"], "update-required");
}
