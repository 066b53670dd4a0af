//! Clear text, tried in every way, and refused.

use std::process::Command;

use firstlayer_tests::clients::python_with;
use firstlayer_tests::device::{OWNER, client_script};
use firstlayer_tests::owner::{Owner, USUAL, mosquitto};
use firstlayer_tests::skip;
use serde_json::json;

use super::on_every_build;

#[test]
fn mqtt_in_clear_text_gets_no_answer() {
    on_every_build(|device| {
        let mosquitto = match mosquitto("mosquitto_pub") {
            Ok(mosquitto) => mosquitto,
            Err(reason) => skip!("{reason}"),
        };
        let mut publish = mosquitto.command();
        publish
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                "8883",
                "-u",
                "bblp",
                "-P",
                &device.access_code(),
            ])
            .args(["-t", "device/x/request", "-m", "{}"]);
        let output = device.run(&publish);
        assert!(!output.succeeded(), "{output}");
    });
}

#[test]
fn ftp_in_clear_text_gets_no_answer() {
    on_every_build(|device| {
        let mut client = Command::new("curl");
        client.args([
            "--silent",
            "--show-error",
            "--user",
            &format!("bblp:{}", device.access_code()),
        ]);
        client.args(["--max-time", "20", &format!("ftp://{OWNER}:990/")]);
        let output = device.run(&client);
        assert!(!output.succeeded(), "{output}");
        assert_eq!(output.stdout, "", "{output}");
    });
}

/// `PROT C`, data before `PROT P` under PASV and under EPSV, and clear text on a protected data connection.
#[test]
fn ftp_data_in_clear_text_is_refused() {
    on_every_build(|device| {
        let python = match python_with("plain", &[]) {
            Ok(python) => python,
            Err(reason) => skip!("{reason}"),
        };
        let mut client = Command::new(python);
        client
            .arg(client_script("unprotected.py"))
            .args([OWNER.to_string().as_str(), &device.access_code()])
            .arg(device.card());
        let output = device.run_ok(&client);
        assert!(output.stdout.contains("everything was refused"), "{output}");
    });
}

#[test]
fn clear_text_jobs_are_refused_with_the_reason() {
    on_every_build(|device| {
        let mut owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        for url in [
            "http://127.0.0.1/x.3mf",
            "HTTP://127.0.0.1/x.3mf",
            "ftp://127.0.0.1:21/../x.3mf",
        ] {
            let job =
                json!({"command": "project_file", "url": url, "param": "Metadata/plate_1.gcode"});
            let told = owner.command("print", job);
            assert_ne!(told["result"], "success", "{url}: {told}");
            let reason = told["reason"].as_str().unwrap_or_default();
            assert!(
                !url.to_lowercase().starts_with("http:") || reason.contains("http"),
                "{url}: {told}"
            );
        }
    });
}
