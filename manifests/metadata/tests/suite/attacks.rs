//! Attacks that real implementations fell to, on what is signed: one test for each, by its name.

use firstlayer_metadata::{Error, Fault, Sign, TargetPath, canonical_json};
use serde_json::{Value, json};

use crate::printer::Printer;
use crate::repository::{Repository, TestSigner, sign_file};

#[test]
fn a_root_version_that_skips() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.alter("root", |signed| signed["version"] = 3.into());
    repository.publish_root();
    assert_refused!(
        printer.refresh(&repository),
        Error::WrongVersion {
            expected: 2,
            found: 3,
            ..
        }
    );
}

#[test]
fn a_failed_root_trusted_later() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.alter_file("root", |file| file["signatures"] = json!([]));
    repository.publish_root();
    printer.web.files.replace(repository.files.clone());
    let mut client = printer.start();
    for _ in 0..2 {
        assert!(
            client
                .refresh("2030-01-01T00:00:00Z".parse().unwrap())
                .is_err()
        );
        assert_eq!(client.root().version, 1);
        assert!(client.trusted().is_none());
    }
    assert_eq!(printer.stored("root.json"), Some(repository.trust_anchor()));
    assert_eq!(printer.start().root().version, 1);
}

#[test]
fn a_terminating_delegation_not_honoured() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["stable-*"], true);
    repository.delegate("targets", "beta", &["*"], false);
    repository.add_target("beta", "stable-1", b"beta's, under stable's name");
    repository.publish();
    assert_eq!(printer.find(&repository, "stable-1").unwrap(), None);
    assert!(!printer.requests().contains(&"1.beta.json".to_owned()));
}

#[test]
fn delegated_targets_rolled_back() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.bump("stable");
    repository.publish();
    printer.find(&repository, "stable.json").unwrap();
    repository.roles.get_mut("stable").unwrap().version = 1;
    repository.publish();
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::Rollback { role, trusted: 2, found: 1 } if role.as_str() == "stable"
    );
}

#[test]
fn a_refused_timestamp_cached() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    printer.refresh(&repository).unwrap();
    let good = printer.stored("timestamp.json").unwrap();
    repository.alter("timestamp", |signed| {
        signed["expires"] = "2029-01-01T00:00:00Z".into()
    });
    repository.publish();
    assert_refused!(printer.refresh(&repository), Error::Expired { role, .. } if role.as_str() == "timestamp");
    assert_eq!(printer.stored("timestamp.json"), Some(good));
    repository.heal();
    repository.publish();
    printer.refresh(&repository).unwrap();
}

#[test]
fn delegated_metadata_without_expiry_check() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.alter("stable", |signed| {
        signed["expires"] = "2029-01-01T00:00:00Z".into()
    });
    repository.publish();
    assert_refused!(printer.find(&repository, "stable.json"), Error::Expired { role, .. } if role.as_str() == "stable");
    repository.alter("stable", |signed| {
        drop(signed.as_object_mut().unwrap().remove("expires"))
    });
    repository.publish();
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::Malformed { .. }
    );
    assert_eq!(printer.stored("stable.json"), None);
}

#[test]
fn delegated_metadata_without_hash_or_length_check() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.publish();
    let file = repository.files.get_mut("metadata/1.stable.json").unwrap();
    // Other white space: the signatures still hold.
    let last = file.last_mut().unwrap();
    *last = b' ';
    assert_refused!(printer.find(&repository, "stable.json"), Error::Hash { .. });
    repository
        .files
        .get_mut("metadata/1.stable.json")
        .unwrap()
        .push(b' ');
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::TooLong { .. }
    );
    repository
        .files
        .get_mut("metadata/1.stable.json")
        .unwrap()
        .truncate(10);
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::WrongLength { found: 10, .. }
    );
    assert_eq!(printer.stored("stable.json"), None);
}

#[test]
fn target_names_that_leave_the_folder_and_absolute_names() {
    for path in ["../evil", "/etc/passwd", "a/../../evil", "a\\..\\evil", ""] {
        assert_eq!(
            path.parse::<TargetPath>().unwrap_err().fault(),
            Fault::Caller
        );
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.alter("targets", move |signed| {
            let file = signed["targets"]["hello"].clone();
            signed["targets"][path] = file;
        });
        repository.publish();
        assert_refused!(printer.refresh(&repository), Error::Malformed { .. });
    }
}

#[test]
fn malformed_json_before_the_signature_check() {
    let bodies: [&[u8]; 14] = [
        b"",
        b"\0",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"{\"signed\":{}}",
        b"{\"signatures\":[]}",
        b"{\"signed\":null,\"signatures\":[]}",
        b"{\"signed\":{},\"signatures\":{}}",
        b"{\"signed\":{},\"signatures\":[{}]}",
        b"{\"signed\":{},\"signatures\":[{\"keyid\":1,\"sig\":\"\"}]}",
        b"{\"signed\":{\"a\":1.5},\"signatures\":[]}",
        b"\xff\xfe",
    ];
    for file in ["2.root.json", "timestamp.json"] {
        for body in bodies {
            let mut repository = Repository::new();
            let printer = Printer::new(&repository);
            repository
                .files
                .insert(format!("metadata/{file}"), body.to_vec());
            assert_refused!(
                printer.refresh(&repository),
                Error::Malformed { .. } | Error::Threshold { .. }
            );
        }
    }
}

#[test]
fn a_member_name_that_appears_twice() {
    let repository = Repository::new();
    let printer = Printer::new(&repository);
    let mut twice = repository.clone();
    let file = String::from_utf8(repository.files["metadata/timestamp.json"].clone()).unwrap();
    let file = file.replacen("\"signed\": {", "\"signed\": { \"version\": 1,", 1);
    twice
        .files
        .insert("metadata/timestamp.json".into(), file.into_bytes());
    assert_refused!(printer.refresh(&twice), Error::Malformed { .. });
}

#[test]
fn a_delegated_role_missing_in_snapshot() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.alter("snapshot", |signed| {
        drop(
            signed["meta"]
                .as_object_mut()
                .unwrap()
                .remove("stable.json"),
        )
    });
    repository.publish();
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::NotInSnapshot { role } if role.as_str() == "stable"
    );
    assert!(!printer.requests().contains(&"1.stable.json".to_owned()));
}

#[test]
fn one_role_in_place_of_another() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.set_keys("timestamp", 1, &["online"]);
    repository.set_keys("snapshot", 1, &["online"]);
    repository.publish_root();
    repository.publish();
    let snapshot = repository.files["metadata/2.snapshot.json"].clone();
    repository
        .files
        .insert("metadata/timestamp.json".into(), snapshot);
    assert_refused!(
        printer.refresh(&repository),
        Error::WrongType {
            expected: "timestamp",
            ..
        }
    );
}

#[test]
fn a_delegated_role_by_the_name_of_a_top_level_one() {
    for name in ["root", "timestamp", "snapshot", "targets"] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.delegate("targets", "stable", &["*"], true);
        repository.alter("targets", move |signed| {
            signed["delegations"]["roles"][0]["name"] = name.into()
        });
        repository.publish();
        assert_refused!(printer.refresh(&repository), Error::Malformed { .. });
    }
}

#[test]
fn a_stored_root_of_another_trust_anchor() {
    let repository = Repository::new();
    let printer = Printer::new(&repository);
    printer.refresh(&repository).unwrap();
    // A store that was filled under development keys, in a printer that now trusts production ones.
    let stranger = TestSigner::new("development-root");
    let mut file: Value = serde_json::from_slice(&repository.trust_anchor()).unwrap();
    let keyid = stranger.public_key().key_id();
    file["signed"]["version"] = 9.into();
    file["signed"]["keys"][keyid.as_str()] = serde_json::to_value(stranger.public_key()).unwrap();
    file["signed"]["roles"]["root"] = json!({ "keyids": [keyid], "threshold": 1 });
    sign_file(&mut file, &[stranger]);
    let foreign = canonical_json(&file).unwrap();
    printer
        .memory
        .0
        .borrow_mut()
        .insert("root.json".into(), foreign.clone());
    printer
        .memory
        .0
        .borrow_mut()
        .insert("trust-anchor".into(), foreign);
    assert_eq!(printer.start().root().version, 1);
    assert_eq!(printer.stored("root.json"), Some(repository.trust_anchor()));
}
