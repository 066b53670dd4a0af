//! Signatures, signed bytes, hashes, and what is kept of them.

use std::fs::File;
use std::io::Read;

use serde_json::json;

use crate::machine::{Machine, assert_refuses};
use crate::repository::{Repository, signers};

#[test]
fn trusted_metadata_is_kept_byte_for_byte_under_unversioned_names() {
    let mut repository = Repository::new();
    repository.delegate("targets", "stable", &["*"], true);
    repository.publish();
    repository
        .files
        .get_mut("metadata/timestamp.json")
        .unwrap()
        .extend_from_slice(b" \n\t");
    let machine = Machine::new(&repository);
    assert_refuses(&machine.download(&["missing"]), "no target missing");
    for (local, remote) in [
        ("root.json", "1.root.json"),
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "2.snapshot.json"),
        ("targets.json", "1.targets.json"),
        ("stable.json", "1.stable.json"),
    ] {
        let published = repository.files.get(&format!("metadata/{remote}"));
        assert_eq!(machine.stored(local).as_ref(), published, "{local}");
    }
    // These, the trust anchor, and the root again under its version, by which a stored one is followed.
    assert_eq!(machine.names_in("metadata").len(), 7);
    assert_eq!(
        machine.stored("1.root").as_ref(),
        repository.files.get("metadata/1.root.json")
    );
}

#[test]
fn files_are_replaced_not_overwritten() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    machine.refresh().expect_success("refresh");
    let before = machine.stored("timestamp.json").unwrap();
    let mut open = File::open(machine.path("metadata/timestamp.json")).unwrap();
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    let mut seen = Vec::new();
    open.read_to_end(&mut seen).unwrap();
    assert_eq!(seen, before, "a reader never sees a mixture");
    assert_ne!(machine.stored("timestamp.json"), Some(before));
}

#[test]
fn what_is_not_properly_signed_is_not_stored() {
    for role in ["timestamp", "snapshot", "targets", "stable"] {
        let mut repository = Repository::new();
        repository.delegate("targets", "stable", &["*"], true);
        repository.alter_file(role, |file| file["signatures"][0]["sig"] = "00".into());
        repository.publish();
        let machine = Machine::new(&repository);
        assert_refuses(
            &machine.download(&["x"]),
            &format!("{role} has 0 of the 1 valid signatures"),
        );
        assert_eq!(machine.stored(&format!("{role}.json")), None);
    }
}

#[test]
fn malformed_answers_are_refused_in_words() {
    for body in ["", "{", "[]", "{\"signed\":{},\"signatures\":[{}]}", "\0"] {
        for file in ["2.root.json", "timestamp.json"] {
            let mut repository = Repository::new();
            repository
                .files
                .insert(format!("metadata/{file}"), body.into());
            assert_refuses(
                &Machine::new(&repository).refresh(),
                "is not well-formed metadata",
            );
        }
    }
}

#[test]
fn a_bad_extra_signature_is_tolerated_and_a_duplicate_keyid_refused() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.set_keys("timestamp", 1, &["timestamp-1", "timestamp-2"]);
    repository.publish_root();
    repository.alter_file("timestamp", |file| {
        file["signatures"][0]["sig"] = "not hex".into()
    });
    repository.publish();
    machine.publish(&repository);
    machine
        .refresh()
        .expect_success("refresh with a bad extra signature");
    repository.alter_file("timestamp", |file| {
        let first = file["signatures"][0].clone();
        file["signatures"].as_array_mut().unwrap().push(first);
    });
    repository.publish();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "carries two signatures of key");
}

#[test]
fn one_key_twice_does_not_meet_a_threshold_of_two() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.set_keys("timestamp", 2, &["timestamp-1", "timestamp-2"]);
    repository.publish_root();
    repository
        .signers
        .insert("timestamp".into(), signers(&["timestamp-1"]));
    repository.alter_file("timestamp", |file| {
        let first = file["signatures"][0].clone();
        file["signatures"].as_array_mut().unwrap().push(first);
    });
    repository.publish();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "carries two signatures of key");
}

#[test]
fn unknown_fields_are_kept_in_the_signed_bytes() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    for role in ["root", "timestamp", "snapshot", "targets"] {
        repository.alter(role, |signed| {
            signed["x-new"] = json!({ "b": [1, null], "a": "é" })
        });
    }
    repository.publish_root();
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    let stored = String::from_utf8(machine.stored("timestamp.json").unwrap()).unwrap();
    assert!(stored.contains("x-new"));
}

#[test]
fn an_unknown_hash_algorithm_is_refused() {
    let mut repository = Repository::new();
    repository.alter("targets", |signed| {
        signed["targets"]["hello"]["hashes"] = json!({ "blake9": "00" })
    });
    repository.publish();
    repository
        .files
        .insert("targets/00.hello".into(), b"hello".to_vec());
    let machine = Machine::new(&repository);
    assert_refuses(
        &machine.download(&["hello"]),
        "the hash algorithm \"blake9\" is not known",
    );
    assert!(machine.names_in("targets").is_empty());
}

#[test]
fn a_missing_timestamp_is_told_from_a_missing_server() {
    let machine = Machine::new(&Repository::new());
    machine.withdraw("metadata/timestamp.json");
    assert_refuses(
        &machine.refresh(),
        "the repository has no file timestamp.json",
    );
    let nowhere = machine.client(&["--metadata-url", "http://127.0.0.1:9/metadata", "refresh"]);
    assert_refuses(&nowhere, "the network failed to bring 2.root.json");
}
