use std::time::Duration;

use firstlayer_machine::Fault;
use serde_json::json;
use tokio::time::Instant;

use super::bench::{Bench, GCODE, archive, project};
use crate::{
    printer::{Audience, DownloadFailure, Kind, Origin},
    protocol::PrinterState,
};

#[tokio::test(start_paused = true)]
async fn a_full_report_holds_what_clients_look_for() {
    let mut bench = Bench::new();
    let mut report = bench.full_report().await;
    assert!(report["sequence_id"].take().is_string());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_full_report_goes_to_who_asked_and_comes_before_its_answer() {
    let mut bench = Bench::new();
    bench
        .send(
            Origin::Cloud,
            false,
            &json!({"pushing": {"command": "pushall", "sequence_id": 3}}),
        )
        .await;
    let mut full = false;
    loop {
        let (message, kind, to) = bench.message().await;
        if kind == Kind::Ack {
            assert_eq!(to, Audience::Cloud);
            assert_eq!(
                message,
                json!({"pushing": {"command": "pushall", "sequence_id": 3, "result": "success", "reason": ""}})
            );
            break;
        }
        if message["print"]["msg"] == 0 {
            assert_eq!(to, Audience::Cloud);
            full = true;
        }
    }
    assert!(full);
}

#[tokio::test(start_paused = true)]
async fn reports_tell_changes_once_a_second_at_most() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("ftp:///cube.3mf")).await;
    let mut told: Vec<(Instant, serde_json::Value)> = Vec::new();
    while bench.handle.snapshot().state != PrinterState::Finish {
        let (message, kind, to) = bench.message().await;
        assert_eq!((kind, to), (Kind::Status, Audience::Everyone));
        assert_eq!(message["print"]["msg"], 1);
        assert_eq!(message["print"]["command"], "push_status");
        told.push((Instant::now(), message));
    }
    assert!(told.len() > 5);
    for pair in told.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        assert!(
            gap >= Duration::from_secs(1) && gap <= Duration::from_secs(21),
            "{gap:?}"
        );
    }
    let small = told
        .iter()
        .filter(|(_, message)| message["print"].get("vt_tray").is_none());
    assert!(
        small.count() >= told.len() - 1,
        "only the first one tells all"
    );
}

#[tokio::test(start_paused = true)]
async fn a_printer_with_nothing_to_tell_still_gives_signs_of_life() {
    let mut bench = Bench::new();
    bench.message().await;
    let mut last = Instant::now();
    for _ in 0..5 {
        let (message, ..) = bench.message().await;
        assert!(last.elapsed() <= Duration::from_secs(21));
        assert_eq!(message["print"]["gcode_state"], "IDLE");
        last = Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_at_once_is_told_of_also_where_the_one_before_had_failed() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.done(project("https://h/cube.3mf")).await;
        let begun = Instant::now();
        let asked = bench.downloads.recv().await.unwrap();
        let failure = DownloadFailure("there is no such file".into());
        asked.end.send(Err(failure)).unwrap();
        while bench.message().await.0["print"]["gcode_state"] != "FAILED" {}
        assert!(
            begun.elapsed() <= Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pushall_makes_one_full_report_a_second() {
    let mut bench = Bench::new();
    bench.full_report().await;
    let begun = Instant::now();
    for _ in 0..50 {
        bench
            .send(
                Origin::Lan,
                false,
                &json!({"pushing": {"command": "pushall"}}),
            )
            .await;
    }
    let (mut full, mut answers) = (0, 0);
    while begun.elapsed() < Duration::from_secs(5) {
        let Ok((message, kind, _)) =
            tokio::time::timeout(Duration::from_secs(5), bench.message()).await
        else {
            break;
        };
        full += usize::from(kind == Kind::Status && message["print"]["msg"] == 0);
        answers += usize::from(kind == Kind::Ack);
    }
    assert_eq!((full, answers), (1, 50));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_just_connected_can_have_a_full_report() {
    let mut bench = Bench::new();
    bench.handle.report(Audience::Cloud).await.unwrap();
    loop {
        let (message, _, to) = bench.message().await;
        if message["print"]["msg"] == 0 {
            assert_eq!(to, Audience::Cloud);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_console_sees_how_the_printer_stands() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(PrinterState::Running).await;
    bench.inject(Fault::Motor);
    bench.until(PrinterState::Failed).await;
    let mut snapshot = serde_json::to_value(bench.handle.snapshot()).unwrap();
    assert!(snapshot["temperatures"].take()["nozzle"].is_array());
    snapshot["job"]["remaining_minutes"].take();
    snapshot["job"]["percent"].take();
    insta::assert_snapshot!(serde_json::to_string_pretty(&snapshot).unwrap());
}
