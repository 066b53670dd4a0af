//! One test for each point that a conforming client must do;
//! rollback is in `rollback`, the search for targets in `delegations`.

use std::rc::Rc;

use firstlayer_metadata::{ClientError, Error, Fault};
use serde_json::{Value, json};

use crate::printer::{Printer, metadata_error};
use crate::repository::{Repository, expires, signers};

#[test]
fn roots_are_taken_one_by_one() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    for names in [["a-1", "a-2"], ["b-1", "b-2"], ["c-1", "c-2"]] {
        repository.set_keys("root", 2, &names);
        repository.publish_root();
    }
    printer.refresh(&repository).unwrap();
    let asked = ["2.root.json", "3.root.json", "4.root.json", "5.root.json"];
    assert_eq!(printer.requests()[..4], asked);
    assert_eq!(
        printer.stored("root.json").as_ref(),
        repository.files.get("metadata/4.root.json")
    );
    printer.refresh(&repository).unwrap();
    assert_eq!(
        printer.requests()[0],
        "5.root.json",
        "the next run goes on from the stored root"
    );
}

#[test]
fn no_root_of_the_chain_may_be_missing() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.publish_root();
    repository.publish_root();
    repository.files.remove("metadata/2.root.json");
    printer.refresh(&repository).unwrap();
    assert_eq!(printer.start().root().version, 1);
}

#[test]
fn every_role_expires_against_the_start_time() {
    let now = "2030-01-01T00:00:00Z";
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.alter(role, move |signed| signed["expires"] = now.into());
        repository.publish_root();
        repository.publish();
        assert_refused!(
            printer.refresh_at(&repository, now),
            Error::Expired { role: expired, .. } if expired.as_str() == role
        );
        let printer = Printer::new(&repository);
        printer
            .refresh_at(&repository, "2029-12-31T23:59:59Z")
            .unwrap();
    }
}

#[test]
fn an_expired_root_leads_on_to_the_next_one() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.root.expires = expires("2025-01-01T00:00:00Z");
    repository.publish_root();
    repository.root.expires = expires("2098-01-01T00:00:00Z");
    repository.publish_root();
    assert_eq!(printer.refresh(&repository).unwrap().root().version, 3);
}

#[test]
fn trusted_files_are_kept_byte_for_byte_under_unversioned_names() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "a/b", &["*"], true);
    repository.publish();
    repository
        .files
        .get_mut("metadata/timestamp.json")
        .unwrap()
        .extend_from_slice(b" \n\t");
    printer.find(&repository, "stable.json").unwrap();
    for (local, remote) in [
        ("root.json", "1.root.json"),
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "2.snapshot.json"),
        ("targets.json", "1.targets.json"),
        ("a%2Fb.json", "1.a%2Fb.json"),
    ] {
        let published = repository.files.get(&format!("metadata/{remote}"));
        assert_eq!(printer.stored(local).as_ref(), published, "{local}");
    }
}

#[test]
fn what_is_refused_is_not_stored() {
    for role in ["timestamp", "snapshot", "targets", "stable"] {
        let mut repository = Repository::new();
        repository.delegate("targets", "stable", &["*"], true);
        let printer = Printer::new(&repository);
        repository.alter_file(role, |file| file["signatures"][0]["sig"] = "00".into());
        repository.publish();
        assert_refused!(
            printer.find(&repository, "stable.json"),
            Error::Threshold { have: 0, .. }
        );
        assert_eq!(printer.stored(&format!("{role}.json")), None);
    }
}

#[test]
fn expired_local_metadata_is_a_starting_point() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.timestamp_expires = expires("2030-02-01T00:00:00Z");
    repository.snapshot_expires = expires("2030-02-01T00:00:00Z");
    repository.timestamp_version = 5;
    repository.publish();
    printer.refresh(&repository).unwrap();
    (repository.timestamp_expires, repository.snapshot_expires) = (
        expires("2031-02-01T00:00:00Z"),
        expires("2031-02-01T00:00:00Z"),
    );
    repository.timestamp_version = 4;
    repository.publish();
    assert_refused!(
        printer.refresh_at(&repository, "2030-06-01T00:00:00Z"),
        Error::Rollback { trusted: 5, .. }
    );
    repository.timestamp_version = 6;
    repository.publish();
    printer
        .refresh_at(&repository, "2030-06-01T00:00:00Z")
        .unwrap();
}

#[test]
fn a_repository_that_stands_still_expires() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.timestamp_expires = expires("2030-02-01T00:00:00Z");
    repository.publish();
    printer.refresh(&repository).unwrap();
    assert_refused!(
        printer.refresh_at(&repository, "2030-06-01T00:00:00Z"),
        Error::Expired { .. }
    );
}

#[test]
fn a_bad_extra_signature_is_tolerated() {
    for bad in ["", "zz", "00", &"00".repeat(64)] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.set_keys("timestamp", 1, &["timestamp-1", "timestamp-2"]);
        repository.publish_root();
        let bad = bad.to_owned();
        repository.alter_file("timestamp", move |file| {
            file["signatures"][0]["sig"] = bad.clone().into();
            let stranger = json!({ "keyid": "nobody's", "sig": "00" });
            file["signatures"].as_array_mut().unwrap().push(stranger);
        });
        repository.publish();
        printer.refresh(&repository).unwrap();
    }
}

#[test]
fn a_duplicate_keyid_is_refused_even_beyond_the_threshold() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.set_keys("timestamp", 1, &["timestamp-1", "timestamp-2"]);
    repository.publish_root();
    repository.alter_file("timestamp", |file| {
        let first = file["signatures"][0].clone();
        file["signatures"].as_array_mut().unwrap().push(first);
    });
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::DuplicateSignature { .. }
    );
}

#[test]
fn unknown_fields_are_part_of_the_signed_bytes() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    for role in ["root", "timestamp", "snapshot", "targets", "stable"] {
        repository.alter(role, |signed| {
            signed["x-new"] = json!({ "b": [1, null], "a": "é" })
        });
    }
    repository.publish_root();
    repository.publish();
    printer.find(&repository, "stable.json").unwrap();
    // Signed with the field, and served without it.
    let file = repository.files.get_mut("metadata/timestamp.json").unwrap();
    let mut json: Value = serde_json::from_slice(file).unwrap();
    json["signed"]
        .as_object_mut()
        .unwrap()
        .remove("x-new")
        .unwrap();
    *file = serde_json::to_vec(&json).unwrap();
    assert_refused!(
        Printer::new(&repository).refresh(&repository),
        Error::Threshold { have: 0, .. }
    );
}

#[test]
fn an_unknown_hash_algorithm_is_refused() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.alter("targets", |signed| {
        let hashes = signed["targets"]["hello"]["hashes"]
            .as_object_mut()
            .unwrap();
        let hash = hashes.remove("sha256").unwrap();
        hashes.insert("blake9".into(), hash);
    });
    repository.publish();
    assert_refused!(printer.find(&repository, "hello"), Error::Hash { .. });
    repository.heal();
    repository.alter("timestamp", |signed| {
        signed["meta"]["snapshot.json"]["hashes"] = json!({ "blake9": "00" })
    });
    repository.publish();
    assert_refused!(printer.refresh(&repository), Error::Hash { .. });
}

#[test]
fn a_target_is_verified_as_it_arrives() {
    let repository = Repository::new();
    let target = Printer::new(&repository)
        .find(&repository, "hello")
        .unwrap()
        .unwrap();
    assert_eq!((target.length(), target.role().as_str()), (5, "targets"));
    assert_eq!(target.consistent_name(), target.remote_path());
    assert!(
        repository
            .files
            .contains_key(&format!("targets/{}", target.consistent_name()))
    );
    let check = |pieces: &[&[u8]]| {
        let mut verifier = target.verify()?;
        pieces.iter().try_for_each(|piece| verifier.update(piece))?;
        verifier.finish().map(|verified| verified.target().clone())
    };
    assert_eq!(check(&[b"he", b"", b"llo"]).unwrap(), target);
    assert_refused!(
        check(&[b"hell"]),
        Error::WrongLength {
            expected: 5,
            found: 4,
            ..
        }
    );
    assert_refused!(check(&[b"hellO"]), Error::Hash { .. });
    assert_refused!(check(&[b"hello", b"!"]), Error::TooLong { limit: 5, .. });
}

#[test]
fn a_failing_network_is_told_from_a_missing_file() {
    let repository = Repository::new();
    let printer = Printer::new(&repository);
    printer.refresh(&repository).unwrap();
    let now = "2030-01-01T00:00:00Z".parse().unwrap();
    for file in ["2.root.json", "timestamp.json"] {
        printer.web.fails_on.replace(Some(file.to_owned()));
        let error = printer.start().refresh(now).unwrap_err();
        assert!(matches!(&error, ClientError::Network { file: failed, .. } if failed == file));
        assert_eq!(error.fault(), Fault::Network);
    }
    printer.web.fails_on.replace(None);
    printer
        .web
        .files
        .borrow_mut()
        .remove("metadata/timestamp.json");
    let error = metadata_error(printer.start().refresh(now).unwrap_err());
    assert!(matches!(error, Error::Missing { file } if file == "timestamp.json"));
}

#[test]
fn without_consistent_snapshots_names_carry_no_version() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.alter("root", |signed| {
        signed["consistent_snapshot"] = false.into()
    });
    repository.publish_root();
    for (from, to) in [
        ("1.snapshot.json", "snapshot.json"),
        ("1.targets.json", "targets.json"),
    ] {
        let file = repository
            .files
            .remove(&format!("metadata/{from}"))
            .unwrap();
        repository.files.insert(format!("metadata/{to}"), file);
    }
    let target = printer.find(&repository, "hello").unwrap().unwrap();
    assert_eq!(target.remote_path(), "hello");
}

#[test]
fn a_damaged_store_heals_from_the_trust_anchor() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.publish_root();
    printer.refresh(&repository).unwrap();
    for file in [
        "root.json",
        "timestamp.json",
        "snapshot.json",
        "targets.json",
        "trust-anchor",
    ] {
        printer
            .memory
            .0
            .borrow_mut()
            .insert(file.into(), b"\0garbage".to_vec());
    }
    assert_eq!(printer.refresh(&repository).unwrap().root().version, 2);
    assert!(
        Rc::strong_count(&printer.memory.0) == 1,
        "no client is left over"
    );
}

#[test]
fn a_trust_anchor_that_does_not_sign_itself_is_the_callers_fault() {
    let mut repository = Repository::new();
    repository
        .signers
        .insert("root".into(), signers(&["root-1"]));
    let mut file: Value = serde_json::from_slice(&repository.trust_anchor()).unwrap();
    file["signatures"].as_array_mut().unwrap().truncate(1);
    let bytes = serde_json::to_vec(&file).unwrap();
    let error =
        firstlayer_metadata::TrustedMetadata::new(&bytes, "2030-01-01T00:00:00Z".parse().unwrap())
            .unwrap_err();
    assert!(matches!(error, Error::TrustAnchor(_)));
    assert_eq!(error.fault(), Fault::Caller);
}
