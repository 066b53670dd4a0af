//! What a release claims: what its images were seen to do, with evidence, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use firstlayer_policy::{ChannelManifest, Limits, Release};
use serde_json::Value;
use xtask::progress::Silent;
use xtask::release::{self, Probing, Request};
use xtask::repository::RealDisk;

use crate::workshop::{Prebuilt, Workshop};

const ABLE: &str = "it can";

fn releases(workshop: &Workshop) -> Vec<Release> {
    let bytes = target(workshop, "stable.json");
    let channel = "stable".parse().unwrap();
    let manifest = ChannelManifest::parse(&bytes, &channel, &Limits::default()).unwrap();
    manifest.releases().to_vec()
}

/// The file of a target of which there was only ever one, or the longest of several.
fn target(workshop: &Workshop, name: &str) -> Vec<u8> {
    let path = workshop.target_paths(name);
    let files = path.iter().map(|path| fs::read(path).unwrap());
    files.max_by_key(Vec::len).unwrap()
}

/// What readers in other languages go by.
fn schema() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../manifests/schemas/evidence.schema.json"
    );
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn claimed(release: &Release) -> BTreeSet<&str> {
    release
        .capabilities
        .iter()
        .map(|one| one.as_str())
        .collect()
}

#[test]
fn what_was_seen_is_claimed_and_nothing_else() {
    let workshop = Workshop::new();
    workshop.set_capabilities(&[
        ("lan-mqtts", ABLE),
        ("lan-ftps", "it was refused"),
        ("wifi-wpa2", "unknown"),
    ]);
    workshop.commit("firmware that can do one thing");
    workshop.release().unwrap();
    let releases = releases(&workshop);
    assert_eq!(releases.len(), 2);
    for release in &releases {
        assert_eq!(claimed(release), BTreeSet::from(["lan-mqtts"]));
        let named = release.evidence.as_ref().unwrap();
        let bytes = target(&workshop, &named.target);
        assert_eq!(bytes.len() as u64, named.length);
        let statement: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(jsonschema::is_valid(&schema(), &statement), "{statement}");
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        let digest = &statement["subject"][0]["digest"]["sha256"];
        assert_eq!(digest, &release.bundle.sha256.to_string());
        let verdicts = statement["predicate"]["capabilities"].as_array().unwrap();
        let verdicts: Vec<_> = verdicts.iter().map(|one| &one["verdict"]).collect();
        assert_eq!(verdicts, ["has", "lacks", "not-measured"]);
    }
    workshop.assert_in_order();
}

#[test]
fn a_capability_that_was_lost_stops_the_release() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let before = workshop.contents();
    for (seen, told) in [("it was refused", "LACKS"), ("unknown", "NOT MEASURED")] {
        workshop.set_capabilities(&[("lan-mqtts", seen), ("lan-ftps", ABLE)]);
        workshop.commit("firmware that lost something");
        let said = workshop.problems();
        for part in [
            "lacks what",
            "lan-mqtts",
            told,
            "nothing was signed",
            "cargo xtask probe",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("lan-ftps"), "{said}");
        assert_eq!(workshop.contents(), before);
    }
    workshop.set_capabilities(&[("lan-ftps", ABLE)]);
    workshop.commit("an experiment that is gone");
    let said = workshop.problems();
    assert!(said.contains("lan-mqtts: nothing measures it"), "{said}");
    workshop.set_capabilities(&[("lan-mqtts", ABLE), ("lan-ftps", ABLE)]);
    workshop.commit("put right");
    workshop.release().unwrap();
    let newest = releases(&workshop).pop().unwrap();
    assert_eq!(claimed(&newest), BTreeSet::from(["lan-ftps", "lan-mqtts"]));
}

#[test]
fn without_a_probe_nothing_is_claimed() {
    let workshop = Workshop::new();
    let request = Request {
        probing: Probing::SkipAndClaimNothing,
        ..workshop.request()
    };
    let report = release::run_with(
        &workshop.checkout(),
        &request,
        workshop.now,
        &Prebuilt(&workshop.root, workshop.environment),
        &RealDisk,
        &Silent,
    )
    .unwrap();
    assert!(
        report.plan.to_string().contains("NO PROBE"),
        "{}",
        report.plan
    );
    for release in releases(&workshop) {
        assert!(release.capabilities.is_empty() && release.evidence.is_none());
    }
    workshop.assert_in_order();
}

#[test]
fn evidence_that_was_changed_or_removed_is_noticed() {
    for change in [
        |path: &str| fs::write(path, "{}").unwrap(),
        |path: &str| {
            fs::remove_file(path).unwrap();
        },
    ] {
        let workshop = Workshop::new();
        workshop.release().unwrap();
        let named = releases(&workshop).pop().unwrap().evidence.unwrap();
        change(workshop.target_paths(&named.target)[0].as_str());
        let report = workshop.validate(None);
        assert!(
            report.problems.to_string().contains(&named.target),
            "{}",
            report.problems
        );
    }
}
