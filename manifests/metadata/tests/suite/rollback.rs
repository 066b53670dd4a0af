//! Versions never fall, but for those that a revoked key has pushed up.

use firstlayer_metadata::Error;
use serde_json::json;

use crate::printer::Printer;
use crate::repository::Repository;

#[test]
fn a_timestamp_rolled_back() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.timestamp_version = 7;
    repository.publish();
    printer.refresh(&repository).unwrap();
    let stored = printer.stored("timestamp.json");
    repository.timestamp_version = 6;
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Rollback {
            trusted: 7,
            found: 6,
            ..
        }
    );
    assert_eq!(printer.stored("timestamp.json"), stored);
}

#[test]
fn another_timestamp_of_the_same_version_changes_nothing() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    printer.refresh(&repository).unwrap();
    let stored = printer.stored("timestamp.json");
    repository.timestamp_version = 1;
    repository.publish();
    printer.refresh(&repository).unwrap();
    assert_eq!(printer.stored("timestamp.json"), stored);
    assert_eq!(printer.requests(), ["2.root.json", "timestamp.json"]);
}

#[test]
fn a_snapshot_rolled_back() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.snapshot_version = 7;
    repository.publish();
    printer.refresh(&repository).unwrap();
    repository.snapshot_version = 6;
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Rollback { role, trusted: 7, found: 6 } if role.as_str() == "snapshot"
    );
}

#[test]
fn targets_rolled_back() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.bump("targets");
    repository.publish();
    printer.refresh(&repository).unwrap();
    repository.roles.get_mut("targets").unwrap().version = 1;
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Rollback { role, trusted: 2, found: 1 } if role.as_str() == "targets"
    );
    assert_eq!(
        printer.stored("snapshot.json").as_ref(),
        repository.files.get("metadata/2.snapshot.json")
    );
}

#[test]
fn a_role_removed_from_the_snapshot() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.publish();
    printer.refresh(&repository).unwrap();
    repository.alter("snapshot", |signed| {
        drop(
            signed["meta"]
                .as_object_mut()
                .unwrap()
                .remove("stable.json"),
        )
    });
    repository.publish();
    assert_refused!(printer.refresh(&repository), Error::Removed { role } if role.as_str() == "stable");
}

/// A repository whose attacker has signed versions that nobody can surpass, and a printer that has seen them.
fn fast_forwarded() -> (Repository, Printer) {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    (repository.snapshot_version, repository.timestamp_version) =
        (9_000_000_000_000_000, 9_000_000_000_000_000);
    repository.roles.get_mut("targets").unwrap().version = 9_000_000_000_000_000;
    repository.publish();
    printer.refresh(&repository).unwrap();
    (repository.snapshot_version, repository.timestamp_version) = (2, 2);
    repository.roles.get_mut("targets").unwrap().version = 2;
    (repository, printer)
}

#[test]
fn fast_forward_is_not_undone_without_new_keys() {
    let (mut repository, printer) = fast_forwarded();
    repository.publish();
    assert_refused!(printer.refresh(&repository), Error::Rollback { .. });
}

#[test]
fn fast_forward_recovery_after_rotation_of_one_online_key() {
    for role in ["snapshot", "timestamp"] {
        let (mut repository, printer) = fast_forwarded();
        repository.set_keys(role, 1, &["fresh"]);
        repository.publish_root();
        repository.publish();
        let client = printer.refresh(&repository).unwrap();
        assert_eq!(client.trusted().unwrap().timestamp().unwrap().version, 2);
        assert_eq!(client.trusted().unwrap().snapshot().unwrap().version, 2);
    }
}

#[test]
fn fast_forward_recovery_survives_a_crash_in_its_middle() {
    let (mut repository, printer) = fast_forwarded();
    repository.set_keys("snapshot", 1, &["fresh"]);
    repository.publish_root();
    repository.publish();
    let timestamp = repository.files.remove("metadata/timestamp.json").unwrap();
    assert_refused!(printer.refresh(&repository), Error::Missing { .. });
    repository
        .files
        .insert("metadata/timestamp.json".into(), timestamp);
    printer.refresh(&repository).unwrap();
}

#[test]
fn without_hashes_the_version_alone_must_be_the_one_signed_for() {
    for (authority, file, role) in [
        ("timestamp", "snapshot.json", "snapshot"),
        ("snapshot", "targets.json", "targets"),
        ("snapshot", "stable.json", "stable"),
    ] {
        let mut repository = Repository::new();
        repository.delegate("targets", "stable", &["*"], true);
        let printer = Printer::new(&repository);
        repository.alter(authority, move |signed| {
            let version = signed["meta"][file]["version"].clone();
            signed["meta"][file] = json!({ "version": version });
        });
        repository.publish();
        printer.find(&repository, "x").unwrap();
        repository.bump("stable");
        repository.bump("targets");
        repository.alter(role, |signed| signed["version"] = 9.into());
        repository.publish();
        assert_refused!(
            printer.find(&repository, "x"),
            Error::WrongVersion { role: wrong, found: 9, .. } if wrong.as_str() == role
        );
    }
}

#[test]
fn a_stored_snapshot_of_the_right_version_but_another_hash_is_fetched_again() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    printer.refresh(&repository).unwrap();
    repository.snapshot_version = 1;
    repository.alter("snapshot", |signed| signed["x-new"] = 1.into());
    repository.publish();
    printer.refresh(&repository).unwrap();
    assert_eq!(
        printer.stored("snapshot.json").as_ref(),
        repository.files.get("metadata/1.snapshot.json")
    );
}

#[test]
fn a_snapshot_rolled_back_is_noticed_though_the_stored_timestamp_is_lost() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.snapshot_version = 7;
    repository.publish();
    printer.refresh(&repository).unwrap();
    printer.memory.0.borrow_mut().remove("timestamp.json");
    repository.snapshot_version = 6;
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Rollback { role, trusted: 7, found: 6 } if role.as_str() == "snapshot"
    );
}
