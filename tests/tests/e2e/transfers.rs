//! Model files over HTTPS: from nginx, and from an S3-compatible store by URLs that were signed beforehand.

use std::path::Path;

use firstlayer_tests::device::{Build, Device};
use firstlayer_tests::nginx::{Nginx, Site};
use firstlayer_tests::owner::{Owner, USUAL};
use firstlayer_tests::s3::{KEY_ID, SECRET, Store, presigned};
use firstlayer_tests::tls::Certificates;
use firstlayer_tests::{plate, skip};
use serde_json::{Value, json};

const PORT: u16 = 8443;

/// A printer that trusts these certificates, on the LAN.
fn printer(certificates: &Certificates) -> Result<Device, String> {
    let mut device = Device::new(Build::host())?;
    device.settings = format!(
        "[machine]\nspeed = 10\n[network]\nextra_ca = {:?}\nfirst_wait_ms = 50\nlongest_wait_ms = 500\nattempts = 20\n",
        certificates.authority
    );
    device.start();
    device.say(&["lan", "on"]);
    Ok(device)
}

fn job(url: &str) -> Value {
    json!({"command": "project_file", "url": url, "param": "Metadata/plate_1.gcode", "subtask_name": "from afar"})
}

fn certificates(folder: &Path) -> Certificates {
    Certificates::create(folder)
}

#[test]
fn a_download_goes_on_after_the_server_was_gone() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = certificates(folder.path());
    plate::file(
        folder.path(),
        "model.3mf",
        &plate::archive(plate::SHORT, 12 << 20),
    );
    let device = match printer(&certificates) {
        Ok(device) => device,
        Err(reason) => skip!("{reason}"),
    };
    let serve = || {
        Nginx::serve_in(
            device.network(),
            PORT,
            Site::SlowFolder(folder.path()),
            &certificates,
        )
    };
    let (mut owner, nginx) = match (Owner::connect(&device, USUAL), serve()) {
        (Ok(owner), Ok(nginx)) => (owner, nginx),
        (Err(reason), _) | (_, Err(reason)) => skip!("{reason}"),
    };
    let url = format!("{}/model.3mf", nginx.url());
    owner.must("print", job(&url));
    owner.hear(|report| prepared(report).is_some_and(|percent| (20..90).contains(&percent)));
    drop(nginx);
    let nginx = serve().unwrap();
    // The plate is printed in less time than lies between two reports: only its end is certain to be in one.
    owner.hear_state("FINISH");
    assert!(
        nginx.log().contains(" 206 "),
        "it was not resumed: {}",
        nginx.log()
    );
}

fn prepared(report: &Value) -> Option<u32> {
    report["print"]["gcode_file_prepare_percent"]
        .as_str()?
        .parse()
        .ok()
}

#[test]
fn redirects_to_clear_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = certificates(folder.path());
    let device = match printer(&certificates) {
        Ok(device) => device,
        Err(reason) => skip!("{reason}"),
    };
    let site = Site::Elsewhere("http://127.0.0.1:8000/model.3mf");
    let (mut owner, nginx) = match (
        Owner::connect(&device, USUAL),
        Nginx::serve_in(device.network(), PORT, site, &certificates),
    ) {
        (Ok(owner), Ok(nginx)) => (owner, nginx),
        (Err(reason), _) | (_, Err(reason)) => skip!("{reason}"),
    };
    let told = refused(&device, &mut owner, &format!("{}/model.3mf", nginx.url()));
    assert!(told.contains("http"), "{told}");
}

/// The reason for which a job's file was refused, as the printer's own status gives it.
fn refused(device: &Device, owner: &mut Owner<'_>, url: &str) -> String {
    owner.must("print", job(url));
    owner.hear_state("FAILED");
    device.say(&["status"])["printer"]["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn presigned_files_are_fetched_and_their_secret_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = certificates(folder.path());
    let mut device = match printer(&certificates) {
        Ok(device) => device,
        Err(reason) => skip!("{reason}"),
    };
    let store = match Store::start(device.network()) {
        Ok(store) => store,
        Err(reason) => skip!("{reason}"),
    };
    store.put("model.3mf", &plate::archive(plate::SHORT, 1 << 20));
    store.put("other.3mf", &plate::archive(plate::SHORT, 1 << 10));
    let behind = Site::Behind(store.address());
    let nginx = match Nginx::serve_in(device.network(), PORT, behind, &certificates) {
        Ok(nginx) => nginx,
        Err(reason) => skip!("{reason}"),
    };
    let sign = |object, seconds| presigned(&nginx.url(), object, seconds);
    let (good, soon) = match (sign("model.3mf", 3600), sign("model.3mf", 1)) {
        (Ok(good), Ok(soon)) => (good, soon),
        (Err(reason), _) | (_, Err(reason)) => skip!("{reason}"),
    };
    {
        let mut owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        owner.must("print", job(&good));
        owner.hear_state("FINISH");
        // By now the second one has expired: a print and its reports took longer than its second.
        for (what, url) in [
            ("expired", soon.clone()),
            ("tampered", good.replace("model.3mf", "other.3mf")),
        ] {
            let told = refused(&device, &mut owner, &url);
            assert!(
                told.contains("403") || told.contains("refuse") || told.contains("expired"),
                "{what}: {told}"
            );
        }
    }
    let said = device.stop().stderr;
    for url in [&good, &soon] {
        let signature = url
            .split("X-Amz-Signature=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        assert!(
            !said.contains(signature),
            "the signature is in the log:\n{said}"
        );
    }
    assert!(!said.contains(SECRET));
    assert!(
        said.contains(KEY_ID),
        "the log does not say whose URL it was:\n{said}"
    );
}
