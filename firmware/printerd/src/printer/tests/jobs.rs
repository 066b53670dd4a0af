use firstlayer_card::CardPath;
use firstlayer_machine::Fault;
use serde_json::json;

use super::bench::{Bench, GCODE, archive, print, project, reason};
use crate::{
    printer::{DownloadFailure, Origin},
    protocol::PrinterState,
};

const NOT_FOUND: u32 = 83_935_248;

fn on_card(path: &str) -> CardPath {
    CardPath::parse(path, &CardPath::root()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_file_on_the_card_is_printed_to_its_end() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    let answer = bench.ask(project("ftp:///cube.3mf")).await;
    assert_eq!(
        answer,
        json!({
            "command": "project_file", "param": "Metadata/plate_1.gcode", "sequence_id": "7",
            "result": "success", "reason": "",
        })
    );
    bench.until(PrinterState::Running).await;
    let report = bench.full_report().await;
    assert_eq!(report["gcode_file"], "cube.3mf");
    assert_eq!(report["subtask_name"], "cube");
    assert_eq!(report["print_type"], "local");
    assert_eq!(report["nozzle_target_temper"], 200);
    bench.until(PrinterState::Finish).await;
    let report = bench.full_report().await;
    assert_eq!(report["mc_percent"], 100);
    assert_eq!(
        (&report["layer_num"], &report["total_layer_num"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(report["print_error"], 0);
    bench.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_is_paused_resumed_and_stopped() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    for command in ["pause", "resume", "stop"] {
        assert!(
            bench.refused(print(command)).await.contains("no print"),
            "{command}"
        );
    }
    bench.done(project("file:///sdcard/cube.3mf")).await;
    bench.until(PrinterState::Running).await;
    bench.done(print("pause")).await;
    bench.until(PrinterState::Pause).await;
    bench.refused(print("pause")).await;
    bench.done(print("resume")).await;
    bench.until(PrinterState::Running).await;
    bench.done(print("stop")).await;
    bench.until(PrinterState::Failed).await;
    assert_eq!(bench.full_report().await["print_error"], 0x0300_400C);
    bench.done(print("clean_print_error")).await;
    bench.until(PrinterState::Idle).await;
    assert_eq!(bench.full_report().await["print_error"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_is_said_to_be_missing() {
    let mut bench = Bench::new();
    for url in ["ftp:///cube.3mf", "ftp:///cache", "ftp:///"] {
        let answer = bench.ask(project(url)).await;
        assert_eq!(answer["print_error"], NOT_FOUND, "{url}");
        reason(&answer);
    }
    let report = bench.full_report().await;
    assert_eq!(report["print_error"], NOT_FOUND);
    assert_eq!(report["gcode_state"], "IDLE");
    assert_eq!(report["gcode_file"], "");
    bench.done(print("clean_print_error")).await;
    assert_eq!(bench.full_report().await["print_error"], 0);
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_is_not_whole_is_no_job() {
    let mut bench = Bench::new();
    let whole = archive(GCODE);
    let (half, _) = whole.split_at(whole.len() / 2);
    let mut changed = whole.clone();
    changed[60] ^= 1;
    for (name, bytes) in [
        ("half.3mf", half),
        ("changed.3mf", &changed[..]),
        ("text.3mf", &b"G28\n"[..]),
    ] {
        bench.put(name, bytes);
        let refused = bench.refused(project(&format!("ftp:///{name}"))).await;
        assert!(refused.starts_with(&format!("/{name}: ")), "{refused}");
        assert_eq!(bench.handle.snapshot().state, PrinterState::Idle);
    }
}

#[tokio::test(start_paused = true)]
async fn an_archive_with_another_md5_than_the_command_says_is_no_job() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    let mut request = project("ftp:///cube.3mf");
    request["print"]["md5"] = "0".repeat(32).into();
    assert!(bench.refused(request).await.contains("MD5"));
    let mut request = project("ftp:///cube.3mf");
    request["print"]["param"] = "Metadata/plate_2.gcode".into();
    assert!(bench.refused(request).await.contains("plate_2"));
}

#[tokio::test(start_paused = true)]
async fn names_with_escapes_are_found_in_both_readings() {
    let mut bench = Bench::new();
    bench.put("two words.3mf", &archive(GCODE));
    bench.done(project("ftp:///two%20words.3mf")).await;
    bench.done(print("stop")).await;
    bench.put("100%25.3mf", &archive(GCODE));
    bench.done(project("file:///100%25.3mf")).await;
}

#[tokio::test(start_paused = true)]
async fn plain_gcode_is_printed_from_the_card() {
    let mut bench = Bench::new();
    bench.put("cube.gcode", GCODE.as_bytes());
    bench
        .done(json!({"print": {"command": "gcode_file", "param": "/sdcard/cube.gcode"}}))
        .await;
    bench.until(PrinterState::Finish).await;
}

#[tokio::test(start_paused = true)]
async fn one_job_at_a_time() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("ftp:///cube.3mf")).await;
    let refused = bench.refused(project("ftp:///cube.3mf")).await;
    assert_eq!(refused, "a job is under way: cube");
    bench.until(PrinterState::Running).await;
    bench.refused(project("https://h/x.3mf")).await;
    bench.until(PrinterState::Finish).await;
    bench.done(project("ftp:///cube.3mf")).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_message_starts_nothing_and_may_stop() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    let starters = [
        project("ftp:///cube.3mf"),
        json!({"print": {"command": "gcode_file", "param": "cube.gcode"}}),
        json!({"print": {"command": "gcode_line", "param": "G28"}}),
        json!({"upgrade": {"command": "upgrade_confirm"}}),
        json!({"system": {"command": "reboot"}}),
        print("resume"),
    ];
    for origin in [Origin::Lan, Origin::Cloud] {
        for request in &starters {
            let answer = bench.ask_as(origin, true, request.clone()).await;
            assert!(
                reason(&answer).contains("older than its connection"),
                "{answer}"
            );
        }
    }
    bench.done(project("ftp:///cube.3mf")).await;
    let answer = bench.ask_as(Origin::Cloud, true, print("stop")).await;
    assert_eq!(answer["result"], "success");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_fetched_over_https_without_holding_anything_up() {
    let mut bench = Bench::new();
    bench
        .done(project("https://h/a/cube.3mf?X-Amz-Signature=secret"))
        .await;
    let asked = bench.downloads.recv().await.unwrap();
    assert_eq!(
        asked.download.url.expose().query(),
        Some("X-Amz-Signature=secret")
    );
    let report = bench.full_report().await;
    assert_eq!(report["gcode_state"], "PREPARE");
    assert_eq!(report["gcode_file_prepare_percent"], "0");
    assert_eq!(report["gcode_file"], "cube.3mf");
    assert!(!report.to_string().contains("secret"));
    asked.progress.send(42).unwrap();
    assert_eq!(
        bench.full_report().await["gcode_file_prepare_percent"],
        "42"
    );
    bench.refused(project("ftp:///other.3mf")).await;
    bench.refused(print("pause")).await;
    bench.put("cache/cube.3mf", &archive(GCODE));
    asked.end.send(Ok(on_card("cache/cube.3mf"))).unwrap();
    bench.until(PrinterState::Finish).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_fetched_fails_its_job() {
    let mut bench = Bench::new();
    bench.done(project("https://h/cube.3mf")).await;
    let asked = bench.downloads.recv().await.unwrap();
    asked
        .end
        .send(Err(DownloadFailure("the link has expired".into())))
        .unwrap();
    bench.until(PrinterState::Failed).await;
    let report = bench.full_report().await;
    assert_eq!(report["print_error"], 0x0500_400B);
    assert_eq!(
        report["firstlayer"]["error"],
        "the file could not be fetched: the link has expired"
    );
    // A fetched file that is no archive.
    bench.done(project("https://h/cube.3mf")).await;
    let asked = bench.downloads.recv().await.unwrap();
    bench.put("cache/cube.3mf", b"<html>");
    asked.end.send(Ok(on_card("cache/cube.3mf"))).unwrap();
    bench.until(PrinterState::Prepare).await;
    bench.until(PrinterState::Failed).await;
    assert_eq!(bench.full_report().await["print_error"], 0x0500_4003);
    bench.done(print("clean_print_error")).await;
    bench.until(PrinterState::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn stop_ends_a_download_and_its_late_end_changes_nothing() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("https://h/cube.3mf")).await;
    let asked = bench.downloads.recv().await.unwrap();
    bench.done(print("stop")).await;
    assert!(asked.stop.is_cancelled());
    bench.until(PrinterState::Failed).await;
    asked.end.send(Ok(on_card("cube.3mf"))).unwrap();
    assert_eq!(bench.full_report().await["gcode_state"], "FAILED");
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(PrinterState::Running).await;
}

#[tokio::test]
async fn a_check_that_is_stopped_ends_and_leaves_no_thread_behind() {
    let mut bench = Bench::new();
    // Of which nothing takes room on the disk, and which nobody reads through in an hour.
    bench.put("endless.3mf", b"");
    let file = std::fs::File::options()
        .write(true)
        .open(bench.folder.path().join("endless.3mf"));
    file.unwrap().set_len(4 << 40).unwrap();
    let mut request = project("ftp:///endless.3mf");
    request["print"]["md5"] = "0".repeat(32).into();
    for _ in 0..3 {
        bench.send(Origin::Lan, false, &request).await;
        bench.until(PrinterState::Prepare).await;
        bench.done(print("stop")).await;
        assert!(reason(&bench.answer().await["print"]).contains("stopped"));
    }
    bench.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_over_http_is_refused_with_the_reason() {
    let mut bench = Bench::new();
    assert!(
        bench
            .refused(project("http://h/cube.3mf"))
            .await
            .contains("clear text")
    );
    assert!(bench.downloads.try_recv().is_err());
    assert_eq!(bench.handle.snapshot().state, PrinterState::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_fails_its_job_and_nothing_else() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("https://h/cube.3mf")).await;
    drop(bench.downloads.recv().await.unwrap());
    bench.until(PrinterState::Failed).await;
    bench.done(project("ftp:///cube.3mf")).await;
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_machine_show() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(PrinterState::Running).await;
    bench.inject(Fault::FilamentRunOut);
    bench.until(PrinterState::Pause).await;
    let report = bench.full_report().await;
    assert_eq!(report["print_error"], 0x0300_8004);
    assert_eq!(report["stg_cur"], 6);
    bench.done(print("clean_print_error")).await;
    bench.done(print("resume")).await;
    bench.inject(Fault::Motor);
    bench.until(PrinterState::Failed).await;
    assert!(
        bench
            .refused(project("ftp:///cube.3mf"))
            .await
            .contains("fault")
    );
}

#[tokio::test(start_paused = true)]
async fn the_printer_ends_in_the_middle_of_a_download() {
    let mut bench = Bench::new();
    bench.done(project("https://h/cube.3mf")).await;
    let asked = bench.downloads.recv().await.unwrap();
    bench.end().await;
    assert!(asked.stop.is_cancelled());
    assert!(asked.end.is_closed(), "its task is left");
}
