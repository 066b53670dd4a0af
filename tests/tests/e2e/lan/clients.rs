//! What an owner does, from the first connection to the end of a print, with each client.

use std::process::Command;

use firstlayer_tests::clients::python_with;
use firstlayer_tests::device::{Device, OWNER, SERIAL, client_script};
use firstlayer_tests::owner::{Dialect, Owner, USUAL};
use firstlayer_tests::{plate, skip};
use serde_json::json;

use super::{on_every_build, on_host};

const BAMBULABS: [&str; 3] = ["bambulabs-api==2.6.6", "paho-mqtt==2.2.0", "pillow==13.0.0"];

const DIALECTS: [Dialect; 4] = [
    USUAL,
    Dialect {
        mqtt: "mqttv311",
        tls: "tlsv1.3",
    },
    Dialect {
        mqtt: "mqttv5",
        tls: "tlsv1.2",
    },
    Dialect {
        mqtt: "mqttv5",
        tls: "tlsv1.3",
    },
];

#[test]
fn every_dialect_gets_the_version_and_a_full_report() {
    on_every_build(|device| {
        for dialect in DIALECTS {
            let mut owner = match Owner::connect(&device, dialect) {
                Ok(owner) => owner,
                Err(reason) => skip!("{reason}"),
            };
            let version = owner.must("info", json!({"command": "get_version"}));
            let modules = version["module"].as_array().unwrap();
            let firmware = modules
                .iter()
                .find(|module| module["name"] == "ota")
                .unwrap();
            assert_eq!(
                (&firmware["sw_ver"], &firmware["sn"]),
                (&json!("01.04.00.00"), &json!(SERIAL)),
                "{dialect:?}"
            );
            owner.send(r#"{"pushing": {"command": "pushall", "sequence_id": "1"}}"#);
            let full = owner.hear(|report| {
                report["print"]["command"] == "push_status" && report["print"]["msg"] == 0
            });
            assert_eq!(full["print"]["gcode_state"], "IDLE", "{dialect:?}: {full}");
        }
    });
}

#[test]
fn a_print_from_upload_to_deletion() {
    on_every_build(|mut device| {
        // Twenty times as fast, so that a minute of the machine's is a few seconds.
        device.settings = "[machine]\nspeed = 20\n".to_owned();
        device.stop();
        device.start();
        let mut owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let bytes = plate::archive(&plate::long(), 6 << 20);
        let file = plate::file(device.folder(), "long.3mf", &bytes);
        owner.upload(&file, "cache/long.3mf");
        let start = json!({
            "command": "project_file", "url": "ftp:///cache/long.3mf", "param": "Metadata/plate_1.gcode",
            "subtask_name": "long", "bed_levelling": true, "ams_mapping": "", "skip_objects": null,
        });
        owner.must("print", start.clone());
        owner.hear_state("RUNNING");
        let twice = owner.command("print", start);
        assert_ne!(
            twice["result"], "success",
            "a second job started beside the first: {twice}"
        );
        owner.must("print", json!({"command": "pause"}));
        owner.hear_state("PAUSE");
        owner.must("print", json!({"command": "resume"}));
        owner.hear_state("RUNNING");
        owner.must("print", json!({"command": "stop"}));
        owner.hear(|report| {
            matches!(
                report["print"]["gcode_state"].as_str(),
                Some("FAILED" | "IDLE")
            )
        });
        let short = plate::file(
            device.folder(),
            "short.3mf",
            &plate::archive(plate::SHORT, 0),
        );
        owner.upload(&short, "short.3mf");
        owner.must("print", json!({"command": "project_file", "url": "file:///sdcard/short.3mf", "param": "Metadata/plate_1.gcode"}));
        owner.hear_state("FINISH");
        device.run_ok(&owner.curl(&["--quote", "DELE /cache/long.3mf"], ""));
        assert!(!device.card().join("cache/long.3mf").exists());
        let gone = owner.command("print", json!({"command": "project_file", "url": "ftp:///cache/long.3mf", "param": "Metadata/plate_1.gcode"}));
        assert_ne!(gone["result"], "success");
        owner.hear(|report| report["print"]["print_error"] == 83_935_248);
    });
}

/// A third party's library, as its users call it.
#[test]
fn bambulabs_api_prints() {
    on_every_build(|device| {
        let python = match python_with("bambulabs-api", &BAMBULABS) {
            Ok(python) => python,
            Err(reason) => skip!("{reason}"),
        };
        let archive = plate::archive(&plate::long(), 6 << 20);
        let file = plate::file(device.folder(), "long.3mf", &archive);
        let mut client = Command::new(python);
        client
            .arg(client_script("bambulabs.py"))
            .args([OWNER.to_string().as_str(), &device.access_code(), SERIAL])
            .arg(file);
        let output = device.run_ok(&client);
        assert!(output.stdout.contains("printed and deleted"), "{output}");
    });
}

#[test]
fn a_changed_code_ends_every_connection() {
    on_host(|device| {
        let owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let new = device.say(&["access-code", "--new"]);
        assert_ne!(new["access_code"], owner.code());
        // mosquitto's client connects anew by itself, with the old code, and is told.
        let refused = owner.publish("{}");
        assert_eq!(
            refused.code,
            Some(5),
            "CONNACK's return code for a wrong code is 5: {refused}"
        );
        assert!(Owner::connect(&device, USUAL).is_ok());
    });
}

#[test]
fn settings_outlive_a_restart() {
    on_host(|mut device: Device| {
        let (code, certificate) = (device.access_code(), device.say(&["certificate"]));
        device.stop();
        device.start();
        assert_eq!(device.say(&["status"])["lan"]["lan_mode"], "on");
        assert_eq!(device.access_code(), code);
        assert_eq!(device.say(&["certificate"]), certificate);
        let renewed = device.say(&["certificate", "--renew"]);
        assert_ne!(renewed["fingerprint"], certificate["fingerprint"]);
        assert_eq!(renewed["authority"], certificate["authority"]);
        // Whoever trusts the authority notices nothing.
        if let Err(reason) = Owner::connect(&device, USUAL) {
            skip!("{reason}");
        }
    });
}
