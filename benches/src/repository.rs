//! Repositories to install from: the tests' honest fixture, told of releases whose bundles lie in files.

use std::{fs, path::Path};

use anyhow::Context;
use firstlayer_bundle::{ManifestDigest, Sha256};
use firstlayer_tests::fixture::Fixture;
use serde_json::{Value, json};

use crate::writing::{BOARD, COUNTER, VERSION, WrittenBundle};

/// Publishes one release into a folder, and moves its bundle there.
pub(crate) fn publish(folder: &Path, bundle: &Path, written: &WrittenBundle) -> anyhow::Result<()> {
    fixture(vec![release(VERSION, COUNTER, written)]).publish(folder);
    let file = format!("targets/{}.{}", written.sha256, target_name(VERSION));
    fs::rename(bundle, folder.join(file)).context("moving the bundle into the repository")
}

/// Publishes so many releases without their bundles.
pub(crate) fn publish_metadata(folder: &Path, releases: u64) {
    let release = |number: u64| {
        let sha256 = Sha256::of(&number.to_be_bytes());
        let written = WrittenBundle {
            length: 20_000_000,
            sha256,
            manifest: ManifestDigest {
                length: 2_000,
                sha256,
            },
        };
        release(&format!("1.{number}.0"), number, &written)
    };
    fixture((1..=releases).map(release).collect()).publish(folder);
}

fn fixture(releases: Vec<Value>) -> Fixture {
    let target = |release: &Value| {
        let bundle = &release["bundle"];
        let file = json!({"length": bundle["length"], "hashes": {"sha256": bundle["sha256"]}});
        (
            bundle["target"].as_str().unwrap_or_default().to_owned(),
            file,
        )
    };
    let targets: Vec<(String, Value)> = releases.iter().map(target).collect();
    Fixture::new(BOARD)
        .say("stable.json", move |channel| {
            channel["releases"] = releases.clone().into();
        })
        .say("stable", move |role| {
            if let Some(Value::Object(listed)) = role.get_mut("targets") {
                listed.extend(targets.iter().cloned());
            }
        })
}

fn release(version: &str, counter: u64, written: &WrittenBundle) -> Value {
    json!({
        "version": version,
        "board": BOARD.name,
        "models": [BOARD.model],
        "counter": counter,
        "built": "2026-01-01T00:00:00Z",
        "bundle": {
            "target": target_name(version),
            "length": written.length,
            "sha256": written.sha256,
            "manifest": written.manifest,
        },
    })
}

/// The TUF target of a version's bundle.
pub(crate) fn target_name(version: &str) -> String {
    format!("stable-{version}-{}.bundle", BOARD.name)
}
