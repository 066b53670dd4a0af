use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::bench::{Bench, GCODE, archive, print, project, reason};
use crate::{
    printer::{Audience, Kind, Origin},
    protocol::PrinterState,
};

fn decision(verdict: &str) -> Value {
    json!({"cloud": {
        "command": "decision", "sequence_id": "1", "decision": verdict, "reason": "https is needed",
        "deadline": "2026-11-25T00:00:00Z", "version": "1.5.0", "help": "https://example.com/update",
    }})
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_must_update_prints_from_lan_and_card_and_not_from_the_cloud() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.offer(Some("1.5.0"), &[("1.5.0", &[])]);
    let answer = bench
        .ask_as(Origin::Cloud, false, decision("update-required"))
        .await;
    assert_eq!(answer["result"], "success");
    for request in [
        project("https://h/x.3mf"),
        project("ftp:///cube.3mf"),
        json!({"print": {"command": "gcode_file", "param": "cube.gcode"}}),
        json!({"print": {"command": "gcode_line", "param": "G28"}}),
    ] {
        let refused = reason(&bench.ask_as(Origin::Cloud, false, request).await);
        for part in [
            "requires an update",
            "https is needed",
            "2026-11-25",
            "1.5.0",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
    }
    let report = bench.full_report().await;
    assert_eq!(
        report["firstlayer"]["cloud"],
        json!({
            "decision": "update-required", "reason": "https is needed",
            "deadline": "2026-11-25T00:00:00Z", "version": "1.5.0", "help": "https://example.com/update",
        })
    );
    assert!(bench.handle.snapshot().cloud.unwrap().withholds_jobs);
    // The LAN prints, the cloud may stop it, and updates work.
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(PrinterState::Running).await;
    assert_eq!(
        bench.ask_as(Origin::Cloud, false, print("stop")).await["result"],
        "success"
    );
    let update = json!({"upgrade": {"command": "upgrade_confirm", "src_id": 2}});
    assert_eq!(
        bench.ask_as(Origin::Cloud, false, update).await["result"],
        "success"
    );
}

#[tokio::test(start_paused = true)]
async fn other_decisions_withhold_nothing() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    for verdict in ["ok", "warn", "stranded"] {
        bench.ask_as(Origin::Cloud, false, decision(verdict)).await;
        let answer = bench
            .ask_as(Origin::Cloud, false, project("ftp:///cube.3mf"))
            .await;
        assert_eq!(answer["result"], "success", "{verdict}");
        assert_eq!(bench.full_report().await["print_type"], "cloud");
        bench.done(print("stop")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_can_be_set_and_forgotten_from_the_console() {
    let mut bench = Bench::new();
    bench
        .ask_as(Origin::Cloud, false, decision("update-required"))
        .await;
    bench.handle.set_decision(None).await.unwrap();
    let report = bench.full_report().await;
    assert_eq!(report["firstlayer"]["cloud"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_only_the_cloud_may_is_refused_to_the_lan() {
    let mut bench = Bench::new();
    assert!(
        bench
            .refused(decision("ok"))
            .await
            .contains("only the cloud")
    );
    let off = json!({"system": {"command": "set_lan_mode", "enable": false}});
    assert!(bench.refused(off.clone()).await.contains("LAN mode"));
    assert!(bench.lan.0.load(Ordering::SeqCst));
    assert_eq!(
        bench.ask_as(Origin::Cloud, false, off).await["result"],
        "success"
    );
    assert!(!bench.lan.0.load(Ordering::SeqCst));
    assert_eq!(bench.full_report().await["firstlayer"]["lan_mode"], false);
    // A message from before may close the ports, and never open them.
    let on = json!({"system": {"command": "set_lan_mode", "enable": true}});
    reason(&bench.ask_as(Origin::Cloud, true, on).await);
    assert!(!bench.lan.0.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_where_its_command_came_from() {
    let mut bench = Bench::new();
    for (origin, audience) in [
        (Origin::Lan, Audience::Lan),
        (Origin::Cloud, Audience::Cloud),
    ] {
        bench.send(origin, false, &print("pause")).await;
        loop {
            let (_, kind, to) = bench.message().await;
            if kind == Kind::Ack {
                assert_eq!(to, audience);
                break;
            }
        }
    }
}
