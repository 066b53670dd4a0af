//! The chain of roots, and recovery through it.

use serde_json::json;

use crate::machine::{Machine, assert_refuses};
use crate::repository::{Repository, sign_file, signers};

#[test]
fn roots_are_taken_one_by_one_each_signed_by_the_old_and_by_itself() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    for names in [["a-1", "a-2"], ["b-1", "b-2"], ["c-1", "c-2"]] {
        repository.set_keys("root", 2, &names);
        repository.publish_root();
    }
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    let asked = ["2.root.json", "3.root.json", "4.root.json", "5.root.json"];
    assert_eq!(machine.requests("metadata")[..4], asked);
    assert_eq!(
        machine.stored("root.json").as_ref(),
        repository.files.get("metadata/4.root.json")
    );
}

#[test]
fn a_root_that_skips_a_version_is_refused() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.alter("root", |signed| signed["version"] = 3.into());
    repository.publish_root();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "root has version 3 where 2 is due");
}

#[test]
fn a_root_not_signed_by_the_old_one_or_not_by_itself_is_refused_and_not_trusted_later() {
    for signed_by in [
        &["new-1", "new-2", "root-1"],
        &["root-1", "root-2", "new-1"],
    ] {
        let mut repository = Repository::new();
        let machine = Machine::new(&repository);
        repository.set_keys("root", 2, &["new-1", "new-2"]);
        repository.alter_file("root", |file| sign_file(file, &signers(signed_by)));
        repository.publish_root();
        machine.publish(&repository);
        for _ in 0..2 {
            assert_refuses(&machine.refresh(), "root has 1 of the 2 valid signatures");
            assert_eq!(machine.stored("root.json"), Some(repository.trust_anchor()));
        }
    }
}

#[test]
fn fast_forward_is_recovered_from_by_key_rotation() {
    const HIGH: u64 = 9_000_000_000_000_000;
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    (repository.snapshot_version, repository.timestamp_version) = (HIGH, HIGH);
    repository.roles.get_mut("targets").unwrap().version = HIGH;
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    (repository.snapshot_version, repository.timestamp_version) = (2, 2);
    repository.roles.get_mut("targets").unwrap().version = 2;
    repository.publish();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "rolls timestamp back");
    repository.set_keys("snapshot", 1, &["fresh"]);
    repository.publish_root();
    repository.publish();
    machine.publish(&repository);
    machine
        .refresh()
        .expect_success("refresh after the rotation");
    assert_eq!(
        machine.stored("targets.json").as_ref(),
        repository.files.get("metadata/2.targets.json")
    );
}

#[test]
fn a_trust_anchor_that_is_no_signed_root_is_refused() {
    let repository = Repository::new();
    let machine = Machine::new(&repository);
    let mut file: serde_json::Value = serde_json::from_slice(&repository.trust_anchor()).unwrap();
    file["signatures"] = json!([]);
    let path = machine.path("unsigned.json");
    std::fs::write(&path, file.to_string()).unwrap();
    assert_refuses(
        &machine.client(&["init", path.to_str().unwrap()]),
        "trust anchor",
    );
    assert_refuses(
        &machine.client(&["init", "/nonexistent"]),
        "reading the root",
    );
    machine
        .refresh()
        .expect_success("the first anchor is still trusted: refresh");
}

#[test]
fn without_a_trust_anchor_nothing_is_fetched() {
    let machine = Machine::new(&Repository::new());
    std::fs::remove_dir_all(machine.path("metadata")).unwrap();
    assert_refuses(&machine.refresh(), "no root is trusted yet");
    assert!(machine.requests("metadata").is_empty());
    assert_refuses(&machine.client(&["refresh"]), "--metadata-url");
    assert_refuses(&machine.client(&["dance"]), "unrecognized subcommand");
}
