use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};

use super::bench::{Bench, GCODE, archive, print, project, reason};
use crate::printer::{Incoming, Kind, Origin};

#[tokio::test(start_paused = true)]
async fn the_version_is_told_in_both_forms() {
    let mut bench = Bench::new();
    let answer = bench
        .ask(json!({"info": {"command": "get_version", "sequence_id": 1}}))
        .await;
    assert_eq!(
        answer,
        json!({
            "command": "get_version", "sequence_id": 1, "result": "success", "reason": "",
            "module": [{
                "name": "ota", "project_name": "Virtual One", "product_name": "Virtual One",
                "sw_ver": "01.04.00.00", "semver": "1.4.0-rc.1",
                "hw_ver": "virt-armv7", "sn": "01P00A000000001",
            }],
        })
    );
}

#[tokio::test(start_paused = true)]
async fn every_command_of_one_message_is_answered() {
    let mut bench = Bench::new();
    bench
        .send(
            Origin::Lan,
            false,
            &json!({
                "pushing": {"command": "pushall"}, "info": {"command": "get_version"},
                "upgrade": {"command": "get_history"}, "user_id": "5",
            }),
        )
        .await;
    let mut sections = Vec::new();
    for _ in 0..3 {
        sections.extend(bench.answer().await.as_object().unwrap().keys().cloned());
    }
    sections.sort();
    assert_eq!(sections, ["info", "pushing", "upgrade"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_set_shows_in_the_report() {
    let mut bench = Bench::new();
    bench.done(json!({"system": {"led_mode": "off"}})).await;
    bench
        .done(json!({"print": {"command": "print_speed", "param": "4"}}))
        .await;
    bench
        .done(json!({"print": {"command": "gcode_line", "param": "M104 S210\nM140 S55\n"}}))
        .await;
    bench
        .done(json!({"print": {"command": "gcode_line", "param": "M106 P1 S255\n"}}))
        .await;
    bench
        .done(
            json!({"system": {"command": "set_accessories", "accessory_type": "nozzle",
            "nozzle_diameter": 0.6, "nozzle_type": "hardened_steel"}}),
        )
        .await;
    bench
        .done(
            json!({"print": {"command": "ams_filament_setting", "ams_id": 255, "tray_id": 254,
            "tray_info_idx": "GFL00", "tray_color": "FF00AAFF", "nozzle_temp_min": 190,
            "nozzle_temp_max": 250, "tray_type": "PLA"}}),
        )
        .await;
    bench
        .done(json!({"print": {"command": "skip_objects", "obj_list": []}}))
        .await;
    bench
        .refused(json!({"print": {"command": "skip_objects", "obj_list": [1]}}))
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = bench.full_report().await;
    assert_eq!(
        report["lights_report"],
        json!([{"node": "chamber_light", "mode": "off"}])
    );
    assert_eq!(
        (&report["spd_lvl"], &report["spd_mag"]),
        (&json!(4), &json!(166))
    );
    assert_eq!(report["nozzle_target_temper"], 210);
    assert_eq!(report["bed_target_temper"], 55);
    assert_eq!(report["fan_gear"], 255);
    assert_eq!(report["cooling_fan_speed"], "15");
    assert_eq!(report["nozzle_diameter"], "0.6");
    assert_eq!(report["nozzle_type"], "hardened_steel");
    assert_eq!(report["vt_tray"]["tray_type"], "PLA");
    assert_eq!(report["vt_tray"]["nozzle_temp_max"], "250");
}

#[tokio::test(start_paused = true)]
async fn lines_that_the_machine_does_not_take_are_refused() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    let line = |text: &str| json!({"print": {"command": "gcode_line", "param": text}});
    assert!(bench.refused(line("M104 S999")).await.contains("°C"));
    bench.refused(line("hello")).await;
    bench.done(project("ftp:///cube.3mf")).await;
    bench.until(crate::protocol::PrinterState::Running).await;
    assert!(bench.refused(line("G0 Z10")).await.contains("moved"));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_request_are_answered() {
    let mut bench = Bench::new();
    for bytes in [&b"hello"[..], b"[]", b"\xff\xfe", b"{}", &[b'['; 5000]] {
        let request = Incoming {
            payload: bytes.to_vec().into(),
            origin: Origin::Lan,
            stale: false,
        };
        bench.handle.submit(request).await.unwrap();
        let answer = bench.answer().await;
        assert!(reason(&answer["request"]).starts_with("the request"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_printer_restarts_once_it_has_said_so() {
    let mut bench = Bench::new();
    bench.put("cube.3mf", &archive(GCODE));
    bench.done(project("ftp:///cube.3mf")).await;
    let reboot = json!({"system": {"command": "reboot"}});
    assert!(bench.refused(reboot.clone()).await.contains("under way"));
    bench.done(print("stop")).await;
    bench.done(reboot).await;
    assert_eq!(bench.host.0.load(Ordering::SeqCst), 0);
    assert!(
        bench
            .refused(project("ftp:///cube.3mf"))
            .await
            .contains("restart")
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.host.0.load(Ordering::SeqCst), 1);
}

/// Everything that `bambulabs-api` 2.6 publishes, in its own shapes.
#[tokio::test(start_paused = true)]
async fn the_package_from_pypi_is_answered_whatever_it_sends() {
    let mut bench = Bench::new();
    let sent: [(Value, bool); 14] = [
        (json!({"info": {"command": "get_version"}}), true),
        (json!({"upgrade": {"command": "get_history"}}), true),
        (json!({"pushing": {"command": "pushall"}}), true),
        (json!({"system": {"led_mode": "on"}}), true),
        (
            json!({"camera": {"command": "ipcam_record_set", "control": "disable"}}),
            false,
        ),
        (
            json!({"print": {"command": "skip_objects", "obj_list": [1]}}),
            false,
        ),
        (
            json!({"print": {"sequence_id": "0", "command": "gcode_line", "param": "G28\n"}}),
            true,
        ),
        (
            json!({"print": {"sequence_id": "0", "command": "gcode_line", "param": "G90\nG0 Z10\n"}}),
            true,
        ),
        (json!({"system": {"command": "get_access_code"}}), false),
        (
            json!({"print": {"command": "gcode_line", "auto_recovery": true}}),
            false,
        ),
        (
            json!({"print": {"command": "print_speed", "param": "2"}}),
            true,
        ),
        (
            json!({"print": {"command": "ams_change_filament", "target": 255, "curr_temp": 215, "tar_temp": 215}}),
            false,
        ),
        (
            json!({"print": {"command": "ams_control", "param": "resume"}}),
            false,
        ),
        (
            json!({"print": {"command": "calibration", "option": 14}}),
            false,
        ),
    ];
    for (request, obeyed) in sent {
        let answer = bench.ask(request.clone()).await;
        let expected = if obeyed { "success" } else { "failed" };
        assert_eq!(answer["result"], expected, "{request}: {answer}");
        assert_eq!(
            answer.get("sequence_id"),
            request
                .as_object()
                .unwrap()
                .values()
                .next()
                .unwrap()
                .get("sequence_id")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_acks_and_reports_are_not() {
    let mut bench = Bench::new();
    bench.send(Origin::Lan, false, &print("pause")).await;
    loop {
        let (message, kind, _) = bench.message().await;
        assert_eq!(kind == Kind::Ack, message["print"].get("result").is_some());
        if kind == Kind::Ack {
            break;
        }
    }
}
