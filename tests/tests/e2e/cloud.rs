//! The cloud link against a real broker, and files from real servers.

use std::fs;
use std::process::Command;
use std::time::Duration;

use firstlayer_tests::clients::python_with;
use firstlayer_tests::device::{Build, Device, LIMIT, SERIAL, client_script};
use firstlayer_tests::mosquitto::{Broker, CLOUD, PASSWORD, PORT};
use firstlayer_tests::process::Process;
use firstlayer_tests::skip;
use firstlayer_tests::tls::Certificates;
use serde_json::{Value, json};

const COMMANDS: u32 = 220;

/// A printer that is configured for the broker, and not started.
fn printer(certificates: &Certificates, version: &str) -> Result<Device, String> {
    let mut device = Device::new(Build::host())?;
    let password = device.folder().join("cloud-password");
    fs::write(&password, PASSWORD).unwrap();
    device.settings = format!(
        "[network]\nfirst_wait_ms = 50\nlongest_wait_ms = 500\n[cloud]\nbroker = \"mqtts://127.0.0.1:{PORT}\"\nca = {:?}\npassword_file = {password:?}\nmqtt = {version:?}\n",
        certificates.authority,
    );
    Ok(device)
}

#[test]
fn commands_survive_a_broker_that_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(folder.path());
    for version in ["5", "3.1.1"] {
        let mut device = match printer(&certificates, version) {
            Ok(device) => device,
            Err(reason) => skip!("{reason}"),
        };
        device.start();
        let mut broker = match Broker::start(device.network(), &certificates, SERIAL) {
            Ok(broker) => broker,
            Err(reason) => skip!("{reason}"),
        };
        let python = match python_with("paho", &["paho-mqtt==2.2.0"]) {
            Ok(python) => python,
            Err(reason) => skip!("{reason}"),
        };
        let mut cloud = Command::new(python);
        cloud
            .arg(client_script("cloud.py"))
            .arg(PORT.to_string())
            .arg(&certificates.authority)
            .args([CLOUD, PASSWORD, SERIAL, &COMMANDS.to_string()]);
        let mut cloud = Process::spawn(&mut device.network().inside(&cloud));
        assert!(
            cloud
                .wait_for_output(LIMIT, |line| line == "reports arrive")
                .is_some(),
            "{}",
            cloud.finish(LIMIT)
        );
        for restart in 1..=10 {
            let reached = format!("acknowledged {}", restart * 20);
            let seen = cloud.wait_for_output(LIMIT, |line| line == reached);
            assert!(seen.is_some(), "restart {restart}: {}", cloud.finish(LIMIT));
            broker.stop();
            broker.restart();
        }
        let output = cloud.finish(LIMIT).expect_success("the cloud");
        let told: Value = serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(told, json!({"lost": [], "doubled": []}), "MQTT {version}");
    }
}

#[test]
fn a_broker_without_tls_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(folder.path());
    let mut device = match printer(&certificates, "5") {
        Ok(device) => device,
        Err(reason) => skip!("{reason}"),
    };
    device.settings = device.settings.replace("mqtts://", "mqtt://");
    let output = firstlayer_tests::process::run(&mut device.command(&["run"]), LIMIT);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("mqtts"), "{output}");
}

#[test]
fn a_broker_with_a_wrong_certificate_gets_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    fs::create_dir_all(&ours).unwrap();
    fs::create_dir_all(&theirs).unwrap();
    let (trusted, other) = (Certificates::create(&ours), Certificates::create(&theirs));
    let mut device = match printer(&trusted, "5") {
        Ok(device) => device,
        Err(reason) => skip!("{reason}"),
    };
    let _broker = match Broker::start(device.network(), &other, SERIAL) {
        Ok(broker) => broker,
        Err(reason) => skip!("{reason}"),
    };
    device.start();
    let told = device.hear(Duration::from_secs(60), |line| {
        line.contains("cloud") && line.contains("ertificate")
    });
    assert!(told.is_some(), "the printer did not say what is wrong");
    let output = device.stop();
    assert!(!output.stderr.contains(PASSWORD), "{output}");
}
