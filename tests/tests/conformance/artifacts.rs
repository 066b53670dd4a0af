//! Downloaded targets.

use std::fs;
use std::os::unix::fs::symlink;

use crate::machine::{Machine, assert_refuses};
use crate::repository::Repository;

fn downloaded(machine: &Machine) -> Vec<u8> {
    fs::read(machine.path("targets/hello")).unwrap()
}

#[test]
fn an_artifact_that_is_there_and_matches_is_not_fetched_again() {
    let mut repository = Repository::new();
    let machine = Machine::new(&repository);
    machine.download(&["hello"]).expect_success("download");
    machine
        .download(&["hello", "hello"])
        .expect_success("download again");
    assert_eq!(machine.requests("targets").len(), 1);
    assert_eq!(downloaded(&machine), b"hello");
    repository.add_target("targets", "hello", b"HELLO");
    repository.bump("targets");
    repository.publish();
    machine.publish(&repository);
    machine
        .download(&["hello"])
        .expect_success("download of the new content");
    assert_eq!(machine.requests("targets").len(), 2);
    assert_eq!(downloaded(&machine), b"HELLO");
}

#[test]
fn an_artifact_that_was_damaged_on_disk_is_fetched_again() {
    let machine = Machine::new(&Repository::new());
    machine.download(&["hello"]).expect_success("download");
    for damaged in [&b"hellO"[..], b"hell", b"hello!", b""] {
        fs::write(machine.path("targets/hello"), damaged).unwrap();
        machine.download(&["hello"]).expect_success("download");
        assert_eq!(downloaded(&machine), b"hello");
    }
}

#[test]
fn an_artifact_that_differs_from_what_is_signed_is_refused() {
    let mut repository = Repository::new();
    let path = repository
        .files
        .keys()
        .find(|path| path.starts_with("targets/"))
        .unwrap()
        .clone();
    for (content, reason) in [
        (&b"hellO"[..], "the sha256 differs"),
        (b"hell", "has 4 bytes where 5 are signed for"),
        (
            b"hello, and more than was asked for",
            "longer than the 5 bytes allowed",
        ),
    ] {
        repository.files.insert(path.clone(), content.to_vec());
        let machine = Machine::new(&repository);
        let output = machine.download(&["hello"]);
        assert_refuses(&output, reason);
        assert!(
            machine.names_in("targets").is_empty(),
            "nothing is left behind"
        );
    }
}

#[test]
fn a_missing_artifact_is_refused_and_ends_the_run() {
    let mut repository = Repository::new();
    repository.add_target("targets", "world", b"world");
    repository.bump("targets");
    repository.publish();
    let machine = Machine::new(&repository);
    assert_refuses(
        &machine.download(&["nothing", "world"]),
        "no target nothing",
    );
    assert!(machine.names_in("targets").is_empty());
}

#[test]
fn target_names_do_not_leave_the_folder() {
    let machine = Machine::new(&Repository::new());
    for name in ["../hello", "/etc/hostname", "a/../../hello", "", "a\\b"] {
        assert_refuses(&machine.download(&[name]), "is not a plain relative path");
    }
}

#[test]
fn a_link_in_the_target_folder_is_replaced_and_not_followed() {
    let machine = Machine::new(&Repository::new());
    fs::create_dir(machine.path("targets")).unwrap();
    for content in [&b"precious"[..], b"hello"] {
        fs::write(machine.path("outside"), content).unwrap();
        let _ = fs::remove_file(machine.path("targets/hello"));
        symlink(machine.path("outside"), machine.path("targets/hello")).unwrap();
        machine.download(&["hello"]).expect_success("download");
        assert!(
            fs::symlink_metadata(machine.path("targets/hello"))
                .unwrap()
                .is_file()
        );
        assert_eq!(fs::read(machine.path("outside")).unwrap(), content);
    }
}
