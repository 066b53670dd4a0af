use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};

use super::bench::{Bench, GCODE, archive, print, project, reason};
use crate::{
    printer::{UpdateFailure, UpdatePhase, UpdateStatus},
    protocol::PrinterState,
};

fn upgrade(command: &str, version: Option<&str>) -> Value {
    json!({"upgrade": {
        "command": command, "sequence_id": "4", "src_id": 1, "module": "ota",
        "url": "http://evil.example/firmware.bin", "version": version,
    }})
}

#[tokio::test(start_paused = true)]
async fn the_releases_that_may_be_installed_are_listed() {
    let mut bench = Bench::new();
    bench.offer(
        Some("1.5.0"),
        &[
            ("1.5.0", &[]),
            ("1.3.0", &[]),
            ("1.2.0", &["its counter is lower"]),
        ],
    );
    let answer = bench
        .ask(json!({"upgrade": {"command": "get_history"}}))
        .await;
    let listed = |version: &str, semver: &str| {
        json!({
            "firmware": {
                "version": version, "semver": semver, "force_update": false, "url": "",
                "description": format!("release {semver}"),
            },
            "ams": [],
        })
    };
    assert_eq!(
        answer["firmware_optional"],
        json!([
            listed("01.05.00.00", "1.5.0"),
            listed("01.03.00.00", "1.3.0")
        ])
    );
    let state = &bench.full_report().await["upgrade_state"];
    assert_eq!(state["new_version_state"], 1);
    assert_eq!(
        state["new_ver_list"],
        json!([{"name": "ota", "cur_ver": "01.04.00.00", "new_ver": "01.05.00.00"}])
    );
    // Asked again, it is told what is known.
    bench
        .ask(json!({"upgrade": {"command": "get_history"}}))
        .await;
    assert_eq!(bench.updates.checks.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_url_is_named_only_a_version_of_the_channel_is_installed() {
    let mut bench = Bench::new();
    bench.offer(Some("1.5.0"), &[("1.5.0", &[])]);
    let answer = bench.ask(upgrade("start", Some("01.05.00.00"))).await;
    assert_eq!(answer["result"], "success");
    let install = bench.installs.recv().await.unwrap();
    assert_eq!(install.version.to_string(), "1.5.0");
    *bench.updates.status.lock().unwrap() = UpdateStatus {
        phase: UpdatePhase::Installing,
        percent: 37,
        message: String::new(),
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let state = &bench.full_report().await["upgrade_state"];
    assert_eq!(
        (&state["status"], &state["progress"]),
        (&json!("FLASHING"), &json!("37"))
    );
    assert!(
        bench
            .refused(upgrade("start", None))
            .await
            .contains("being installed")
    );
    assert!(
        bench
            .refused(project("ftp:///x.3mf"))
            .await
            .contains("being installed")
    );
    assert!(
        bench
            .refused(json!({"system": {"command": "reboot"}}))
            .await
            .contains("being installed")
    );
    *bench.updates.status.lock().unwrap() = UpdateStatus::default();
    install.end.send(Ok(())).unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(
        bench.full_report().await["upgrade_state"]["status"],
        "UPGRADE_SUCCESS"
    );
    assert_eq!(
        bench.host.0.load(Ordering::SeqCst),
        1,
        "it restarts into the update"
    );
}

#[tokio::test(start_paused = true)]
async fn an_older_release_is_installed_where_the_channel_allows() {
    let mut bench = Bench::new();
    bench.offer(
        None,
        &[
            ("1.3.0", &[]),
            ("1.2.0", &["its counter is lower", "it was taken back"]),
        ],
    );
    let history = |version: &str| {
        json!({"upgrade": {
            "command": "upgrade_history", "src_id": 2,
            "firmware_optional": {"firmware": {"version": version, "url": ""}},
        }})
    };
    let refused = bench.refused(history("01.02.00.00")).await;
    assert_eq!(
        refused,
        "1.2.0 cannot be installed: its counter is lower, it was taken back"
    );
    assert!(bench.installs.try_recv().is_err());
    bench.done(history("01.03.00.00")).await;
    assert_eq!(
        bench.installs.recv().await.unwrap().version.to_string(),
        "1.3.0"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_channel_does_not_offer_is_refused() {
    let mut bench = Bench::new();
    bench.offer(None, &[]);
    let refused = bench.refused(upgrade("upgrade_confirm", None)).await;
    assert_eq!(refused, "the channel offers nothing to install");
    let refused = bench.refused(upgrade("start", Some("9.9.9"))).await;
    assert_eq!(refused, "the channel offers no 9.9.9 for this printer");
    let refused = bench.refused(upgrade("start", Some("01.04.00.00"))).await;
    assert_eq!(refused, "1.4.0-rc.1 runs already");
    *bench.updates.offer.lock().unwrap() = Err(UpdateFailure("no route to host".into()));
    let refused = bench.refused(upgrade("start", None)).await;
    assert_eq!(
        refused,
        "the repository could not be asked: no route to host"
    );
    assert!(bench.installs.try_recv().is_err());
    bench.done(upgrade("consistency_confirm", None)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_installed_while_a_job_runs() {
    let mut bench = Bench::new();
    bench.offer(Some("1.5.0"), &[("1.5.0", &[])]);
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("https://h/cube.3mf")).await;
    let refused = bench.refused(upgrade("upgrade_confirm", None)).await;
    assert_eq!(refused, "a job is under way: cube");
    bench.done(print("stop")).await;
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(PrinterState::Running).await;
    bench.refused(upgrade("start", Some("1.5.0"))).await;
    bench.done(print("pause")).await;
    bench.refused(upgrade("start", Some("1.5.0"))).await;
    assert!(bench.installs.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_fails_says_why_and_prints_go_on() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.offer(Some("1.5.0"), &[("1.5.0", &[])]);
    bench.done(upgrade("upgrade_confirm", None)).await;
    let install = bench.installs.recv().await.unwrap();
    install
        .end
        .send(Err(UpdateFailure("the bundle is damaged".into())))
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let state = &bench.full_report().await["upgrade_state"];
    assert_eq!(state["status"], "UPGRADE_FAIL");
    assert_eq!(state["err_code"], 1);
    assert_eq!(state["message"], "the bundle is damaged");
    assert_eq!(bench.host.0.load(Ordering::SeqCst), 0);
    bench.done(project("ftp:///cube.3mf")).await;
}

#[tokio::test(start_paused = true)]
async fn the_printer_looks_for_updates_by_itself() {
    let mut bench = Bench::new();
    bench.offer(Some("1.5.0"), &[("1.5.0", &[])]);
    assert_eq!(
        bench.full_report().await["upgrade_state"]["new_version_state"],
        2
    );
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(
        bench.full_report().await["upgrade_state"]["new_version_state"],
        1
    );
    assert_eq!(
        bench.handle.snapshot().update.newest.as_deref(),
        Some("1.5.0")
    );
    assert!(
        bench.installs.try_recv().is_err(),
        "and installs none by itself"
    );
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_questions_asks_the_repository_once() {
    let mut bench = Bench::new();
    bench.offer(None, &[]);
    let mut many = Vec::new();
    for _ in 0..40 {
        many.push(
            bench
                .ask(json!({"upgrade": {"command": "get_history"}}))
                .await,
        );
    }
    assert!(many.iter().all(|answer| answer["result"] == "success"));
    assert_eq!(bench.updates.checks.load(Ordering::SeqCst), 1);
    let _ = reason(&bench.ask(upgrade("start", None)).await);
}
