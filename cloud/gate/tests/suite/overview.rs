//! How things stand, for the operator: the page and the JSON say the same, and of no printer anything.

use firstlayer_census::Entry;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::gate::Running;
use crate::repository::{FAR, Repository, release, releases};
use crate::rules::PAST;

/// A printer that was seen so many days ago.
fn seen(serial: &str, version: &str, days: i64) -> Entry {
    Entry {
        serial: serial.parse().unwrap(),
        model: "first-mini".parse().unwrap(),
        version: version.parse().unwrap(),
        channel: "stable".parse().unwrap(),
        region: None,
        last_seen: Timestamp::now() - SignedDuration::from_hours(24 * days),
    }
}

/// Three printers in use with 1.2.0, one with 1.4.0, and a silent one.
async fn field(running: &Running) {
    let entries = [
        seen("FL-1", "1.2.0", 0),
        seen("FL-2", "1.2.0", 0),
        seen("FL-3", "1.2.0", 1),
        seen("FL-4", "1.4.0", 0),
        seen("FL-5", "1.2.0", 60),
    ];
    running.store.record(&entries).await.unwrap();
}

async fn overview(running: &Running) -> Value {
    running.get("/v1/overview", &[]).await.json()
}

#[tokio::test]
async fn a_deadline_ahead_says_whom_it_will_hit() {
    let running = Running::over(Repository::with_rule(&releases(), FAR)).await;
    field(&running).await;
    let said = overview(&running).await;
    assert_eq!(said["census"]["in_use"], 4);
    assert_eq!(said["census"]["silent"], 1);
    let rule = &said["rules"][0];
    assert_eq!(
        (&rule["ahead"], &rule["rule"]),
        (&true.into(), &"https-only".into())
    );
    assert_eq!(
        (&rule["total"]["refused"], &rule["total"]["fine"]),
        (&3.into(), &1.into())
    );
    assert_eq!(rule["hits"][0]["minimum"], "1.4.0");
    let page = running.get("/", &[]).await;
    for part in [
        "until cloud-print is withheld",
        "3 refused",
        "1.4.0",
        "first-mini on stable",
    ] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    // It counts printers, and names none.
    assert!(!page.text.contains("FL-") && !said.to_string().contains("FL-"));
}

#[tokio::test]
async fn a_deadline_that_has_passed_comes_after_those_ahead() {
    let mut repository = Repository::with_rule(&releases(), PAST);
    let past = crate::repository::rule(PAST);
    let ahead = crate::repository::rule(FAR).replace("https-only", "later");
    repository.set_rules(2, &format!("{past}{ahead}"), Vec::new());
    repository.publish();
    let running = Running::over(repository).await;
    field(&running).await;
    let said = overview(&running).await;
    let names: Vec<_> = said["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["rule"])
        .collect();
    assert_eq!(names, ["later", "https-only"]);
    assert_eq!(said["rules"][1]["ahead"], false);
    assert!(
        running
            .get("/", &[])
            .await
            .text
            .contains("cloud-print is withheld since")
    );
}

#[tokio::test]
async fn who_is_behind_and_how_far_the_release_is_rolled_out() {
    let mut newest = release("1.5.0", &["https-transfer"]);
    let wave = |starts: &str, percent| firstlayer_policy::Wave {
        starts: starts.parse().unwrap(),
        percent,
    };
    newest.waves = vec![wave(PAST, 10), wave(FAR, 100)];
    let [old, new] = releases().try_into().unwrap();
    let running = Running::over(Repository::new(&[old, new, newest])).await;
    field(&running).await;
    let said = overview(&running).await;
    let fleet = &said["fleets"][0];
    assert_eq!(
        (&fleet["model"], &fleet["channel"]),
        (&"first-mini".into(), &"stable".into())
    );
    assert_eq!(fleet["newest"]["version"], "1.5.0");
    assert_eq!(fleet["newest"]["percent"], 10);
    assert_eq!(fleet["newest"]["next_wave"], FAR);
    assert_eq!(
        [&fleet["current"], &fleet["behind"], &fleet["silent"]],
        [0, 4, 1].map(Value::from).each_ref()
    );
    let versions = fleet["versions"].as_array().unwrap();
    assert_eq!(
        (&versions[0]["version"], &versions[1]["printers"]),
        (&"1.4.0".into(), &3.into())
    );
}

#[tokio::test]
async fn versions_are_counted_by_day() {
    let running = Running::over(Repository::new(&releases())).await;
    field(&running).await;
    let said = overview(&running).await;
    let history = &said["history"];
    let days = history["days"].as_array().unwrap();
    assert_eq!(days.len(), 61, "{days:?}");
    let [newer, older] = [0, 1].map(|at| &history["series"][at]);
    assert_eq!(
        (&newer["version"], &newer["printers"][60]),
        (&"1.4.0".into(), &1.into())
    );
    let ends = [
        &older["printers"][0],
        &older["printers"][1],
        &older["printers"][60],
    ];
    assert_eq!(ends, [1, 0, 2].map(Value::from).each_ref());
}

#[tokio::test]
async fn nothing_known_is_said_so() {
    let running = Running::starting().await;
    let said = overview(&running).await;
    assert_eq!(
        (&said["status"], &said["revision"]),
        (&"starting".into(), &Value::Null)
    );
    let page = running.get("/", &[]).await.text;
    assert!(page.contains("No rules were verified yet"), "{page}");
    assert!(page.contains("No printer was seen"), "{page}");
}

#[tokio::test]
async fn without_the_census_the_rest_is_shown() {
    let running = Running::over(Repository::with_rule(&releases(), FAR)).await;
    running.store.close().await;
    let said = overview(&running).await;
    assert_eq!(
        (&said["census"], &said["rules"][0]["rule"]),
        (&Value::Null, &"https-only".into())
    );
    assert!(
        running
            .get("/", &[])
            .await
            .text
            .contains("The census cannot be read")
    );
}

#[tokio::test]
async fn a_minute_is_counted_once_however_many_look() {
    let running = Running::over(Repository::new(&releases())).await;
    let before = overview(&running).await;
    field(&running).await;
    let after = overview(&running).await;
    assert_eq!(before["census"], after["census"]);
}

#[tokio::test]
async fn a_browser_is_told_to_run_nothing_and_to_ask_nobody() {
    let running = Running::over(Repository::new(&releases())).await;
    let page = running.get("/", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    for word in ["<script", "http://", "https://", "style=\"", "url("] {
        assert!(!page.text.contains(word), "{word} in {}", page.text);
    }
}
