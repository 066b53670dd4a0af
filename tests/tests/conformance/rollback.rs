//! Versions that fall, and times that have passed.

use crate::machine::{Machine, assert_refuses};
use crate::repository::{Repository, expires};

#[test]
fn a_timestamp_rolled_back_is_refused() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.timestamp_version = 7;
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    let stored = machine.stored("timestamp.json");
    repository.timestamp_version = 6;
    repository.publish();
    machine.publish(&repository);
    assert_refuses(
        &machine.refresh(),
        "rolls timestamp back from version 7 to 6",
    );
    assert_eq!(machine.stored("timestamp.json"), stored);
}

#[test]
fn a_snapshot_rolled_back_is_refused() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.snapshot_version = 7;
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    repository.snapshot_version = 6;
    repository.publish();
    machine.publish(&repository);
    assert_refuses(
        &machine.refresh(),
        "rolls snapshot back from version 7 to 6",
    );
}

#[test]
fn targets_and_delegated_roles_rolled_back_are_refused() {
    for role in ["targets", "stable"] {
        let mut repository = Repository::new();
        repository.delegate("targets", "stable", &["*"], true);
        repository.roles.get_mut(role).unwrap().version = 3;
        repository.publish();
        let machine = Machine::new(&repository);
        machine.refresh().expect_success("refresh");
        repository.roles.get_mut(role).unwrap().version = 2;
        repository.publish();
        machine.publish(&repository);
        assert_refuses(
            &machine.refresh(),
            &format!("rolls {role} back from version 3 to 2"),
        );
    }
}

#[test]
fn a_delegated_role_removed_from_the_snapshot_is_noticed() {
    let mut repository = Repository::new();
    repository.delegate("targets", "stable", &["*"], true);
    repository.publish();
    let machine = Machine::new(&repository);
    machine.refresh().expect_success("refresh");
    repository.alter("snapshot", |signed| {
        drop(
            signed["meta"]
                .as_object_mut()
                .unwrap()
                .remove("stable.json"),
        )
    });
    repository.publish();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "no longer lists stable");
}

#[test]
fn whatever_has_expired_is_refused_and_not_stored() {
    for (role, file) in [
        ("timestamp", "timestamp"),
        ("snapshot", "snapshot"),
        ("targets", "targets"),
        ("stable", "stable"),
    ] {
        let mut repository = Repository::new();
        repository.delegate("targets", "stable", &["*"], true);
        repository.alter(role, |signed| {
            signed["expires"] = "2020-01-01T00:00:00Z".into()
        });
        repository.publish();
        let machine = Machine::new(&repository);
        assert_refuses(
            &machine.download(&["x"]),
            &format!("{role} expired on 2020-01-01T00:00:00Z"),
        );
        assert_eq!(machine.stored(&format!("{file}.json")), None);
    }
}

#[test]
fn an_expired_root_is_taken_but_nothing_under_it() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    repository.root.expires = expires("2020-01-01T00:00:00Z");
    repository.publish_root();
    machine.publish(&repository);
    assert_refuses(&machine.refresh(), "root expired on 2020-01-01T00:00:00Z");
    assert_eq!(
        machine.stored("root.json").as_ref(),
        repository.files.get("metadata/2.root.json")
    );
    assert_eq!(machine.stored("timestamp.json"), None);
    repository.root.expires = expires("2098-01-01T00:00:00Z");
    repository.publish_root();
    machine.publish(&repository);
    machine
        .refresh()
        .expect_success("refresh with the next root");
}

#[test]
fn expired_local_metadata_is_the_starting_point() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    let mut old = repository.clone();
    (old.timestamp_version, old.timestamp_expires) = (5, expires("2020-01-01T00:00:00Z"));
    (old.snapshot_version, old.snapshot_expires) = (5, expires("2020-01-01T00:00:00Z"));
    old.publish();
    for (stored, published) in [
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "5.snapshot.json"),
    ] {
        let file = &old.files[&format!("metadata/{published}")];
        std::fs::write(machine.path("metadata").join(stored), file).unwrap();
    }
    (repository.timestamp_version, repository.snapshot_version) = (4, 6);
    repository.publish();
    machine.publish(&repository);
    assert_refuses(
        &machine.refresh(),
        "rolls timestamp back from version 5 to 4",
    );
    (repository.timestamp_version, repository.snapshot_version) = (6, 6);
    repository.publish();
    machine.publish(&repository);
    machine.refresh().expect_success("refresh");
    assert_eq!(
        machine.stored("timestamp.json").as_ref(),
        repository.files.get("metadata/timestamp.json")
    );
}
