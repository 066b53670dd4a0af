//! nginx's `auth_request`, and what a refused printer is told.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::gate::{REPOSITORY, Running, headers};
use crate::repository::{Repository, release, releases, rule};
use crate::rules::PAST;

async fn enforcing() -> Running {
    Running::over(Repository::with_rule(&releases(), PAST)).await
}

#[tokio::test]
async fn an_able_printer_may_and_a_lacking_one_may_not() {
    let gate = enforcing().await;
    let able = gate.get("/v1/authorize", &headers("1.4.0")).await;
    assert_eq!(able.status, StatusCode::NO_CONTENT);
    assert_eq!(able.header("x-firstlayer-verdict"), "ok");
    let lacking = gate
        .get("/v1/authorize?feature=cloud-print", &headers("1.2.0"))
        .await;
    assert_eq!(lacking.status, StatusCode::FORBIDDEN);
    assert_eq!(lacking.header("x-firstlayer-verdict"), "update-required");
    assert_eq!(lacking.header("x-firstlayer-minimum"), "1.4.0");
    assert_eq!(lacking.header("x-firstlayer-rule"), "https-only");
    let other = gate
        .get("/v1/authorize?feature=cloud-camera", &headers("1.2.0"))
        .await;
    assert_eq!(other.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_refused_printer_is_told_why_and_where_its_update_is() {
    let gate = enforcing().await;
    let refusal = gate
        .get("/v1/refusal?feature=cloud-print", &headers("1.2.0"))
        .await;
    assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(refusal.header("upgrade"), "firmware/1.4.0");
    let body = refusal.json();
    assert_eq!(body["error"], "update-required");
    assert_eq!(body["update"]["repository"], REPOSITORY);
    assert_eq!(body["update"]["way"][0], "1.4.0");
    assert_eq!(body["rule"], "https-only");
    assert_eq!(body["why"], "below-minimum");
    assert_eq!(body["minimum"], "1.4.0");
    // These the printer reads, and shows to its owner.
    assert_eq!(body["decision"], "update-required");
    assert_eq!(body["version"], "1.4.0");
    assert_eq!(body["deadline"], PAST);
    assert_eq!(body["help"], "https://example.org/https");
    assert!(body["reason"].as_str().unwrap().contains("unprotected"));
}

#[tokio::test]
async fn the_refusal_of_a_printer_that_asked_by_post_is_told_all_the_same() {
    let gate = enforcing().await;
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let body = Body::from("a model file");
        let refusal = gate
            .ask(method, "/v1/refusal", &headers("1.2.0"), body)
            .await;
        assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
    }
}

/// A printer reads the first 8 KiB of a refusal, and nothing of JSON that goes on behind that.
#[tokio::test]
async fn the_longest_refusal_is_one_that_a_printer_reads() {
    let mut repository = Repository::new(&releases());
    // Each of them is two bytes in JSON, and no rule's text has more of them.
    let longest = "\\\"".repeat(1024);
    let rules = rule(PAST)
        .replace("Model files went over the network unprotected.", &longest)
        .replace(
            "https://example.org/https",
            &format!("https://example.org/{}", "x".repeat(1004)),
        );
    let others = (0..255).map(|n| rules.replace("https-only", &format!("rule-{n}")));
    let rules = format!("{rules}{}", others.collect::<String>());
    repository.set_rules(1, &rules, Vec::new());
    repository.publish();
    let gate = Running::over(repository).await;
    let refusal = gate.get("/v1/refusal", &headers("1.2.0")).await;
    assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
    assert!(refusal.text.len() <= 8 << 10, "{}", refusal.text.len());
}

#[tokio::test]
async fn a_printer_with_time_left_may_and_is_warned() {
    let gate = Running::over(Repository::with_rule(&releases(), "2098-01-01T00:00:00Z")).await;
    let warned = gate.get("/v1/authorize", &headers("1.2.0")).await;
    assert_eq!(warned.status, StatusCode::NO_CONTENT);
    assert_eq!(warned.header("x-firstlayer-verdict"), "warn");
    assert_eq!(
        warned.header("x-firstlayer-deadline"),
        "2098-01-01T00:00:00Z"
    );
}

#[tokio::test]
async fn a_printer_with_no_way_out_may() {
    let mut newer = release("1.4.0", &["https-transfer"]);
    newer.floor = Some("1.3.0".parse().unwrap());
    let repository = Repository::with_rule(&[release("1.2.0", &[]), newer], PAST);
    let gate = Running::over(repository).await;
    let stranded = gate.get("/v1/authorize", &headers("1.2.0")).await;
    assert_eq!(stranded.status, StatusCode::NO_CONTENT);
    assert_eq!(stranded.header("x-firstlayer-verdict"), "stranded");
}

#[tokio::test]
async fn who_does_not_say_what_it_is_is_told_what_is_missing() {
    let gate = enforcing().await;
    let silent = gate.get("/v1/authorize", &[]).await;
    assert_eq!(silent.status, StatusCode::FORBIDDEN);
    let told = gate.get("/v1/refusal", &[]).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST);
    assert_eq!(told.json()["message"], "serial is missing");
    let odd = gate
        .get("/v1/refusal?feature=software-update", &headers("1.2.0"))
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn where_updates_are_is_always_answered() {
    let gate = enforcing().await;
    let known = gate.get("/v1/update", &headers("1.2.0")).await.json();
    assert_eq!(known["way"][0], "1.4.0");
    let starting = Running::starting().await;
    for (gate, said) in [(&gate, &[][..]), (&starting, &headers("1.2.0")[..])] {
        let answer = gate.get("/v1/update", said).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["repository"], REPOSITORY);
    }
}

#[tokio::test]
async fn before_any_rules_were_verified_nothing_is_decided() {
    let gate = Running::starting().await;
    for target in ["/v1/authorize", "/v1/refusal"] {
        let answer = gate.get(target, &headers("1.2.0")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
    }
    let health = gate.get("/healthz", &[]).await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(health.json()["status"], "starting");
    let metrics = gate.get("/metrics", &[]).await.text;
    assert!(
        metrics.lines().any(|line| line == "gate_degraded 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn refusals_are_counted_and_in_the_audit_log() {
    let gate = enforcing().await;
    gate.get("/v1/authorize", &headers("1.2.0")).await;
    gate.get("/v1/authorize", &headers("1.4.0")).await;
    let metrics = gate.get("/metrics", &[]).await.text;
    for line in [
        "gate_refusals_total{rule=\"https-only\"} 1",
        "gate_decisions_total{verdict=\"ok\"} 1",
        "gate_decisions_total{verdict=\"update-required\"} 1",
        "gate_enforcement_revision 1",
        "gate_degraded 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}: {metrics}"
        );
    }
    let audit = gate.audit().await;
    assert_eq!(audit.len(), 1, "{audit:?}");
    let record = &audit[0];
    assert_eq!(
        (&record["serial"], &record["rule"]),
        (&"FL-1".into(), &"https-only".into())
    );
    assert_eq!(
        (&record["asked"], &record["granted"]),
        (&"cloud-print".into(), &false.into())
    );
}
