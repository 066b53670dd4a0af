//! The search for targets through delegations.

use std::fs;

use serde_json::json;

use crate::machine::{Machine, assert_refuses};
use crate::repository::Repository;

fn repository(delegations: &[(&str, &str, &str, bool)]) -> Repository {
    let mut repository = Repository::new();
    for (delegator, role, pattern, terminating) in delegations {
        repository.delegate(delegator, role, &[pattern], *terminating);
    }
    repository.publish();
    repository
}

/// The roles that a search for a target that is nowhere leads through.
fn path_of_search(delegations: &[(&str, &str, &str, bool)]) -> Vec<String> {
    let machine = Machine::new(&repository(delegations));
    assert_refuses(
        &machine.download(&["missing"]),
        "the repository vouches for no target missing",
    );
    machine.visited()
}

#[test]
fn delegations_are_searched_depth_first() {
    let visited = path_of_search(&[
        ("targets", "a", "*", false),
        ("targets", "b", "*", false),
        ("a", "c", "*", false),
        ("c", "d", "*", false),
        ("a", "e", "*", false),
    ]);
    assert_eq!(visited, ["a", "c", "d", "e", "b"]);
}

#[test]
fn terminating_delegations_end_the_search() {
    let visited = path_of_search(&[
        ("targets", "a", "*", false),
        ("targets", "b", "*", false),
        ("a", "c", "*", true),
        ("a", "d", "*", false),
        ("c", "e", "*", false),
    ]);
    assert_eq!(visited, ["a", "c", "e"]);
}

#[test]
fn cycles_of_delegations_end() {
    let visited = path_of_search(&[
        ("targets", "a", "*", false),
        ("a", "b", "*", false),
        ("b", "a", "*", false),
        ("b", "b", "*", false),
    ]);
    assert_eq!(visited, ["a", "b"]);
}

#[test]
fn delegations_have_a_cap() {
    let mut repository = Repository::new();
    for number in 0..33 {
        repository.delegate("targets", &format!("role-{number}"), &["*"], false);
    }
    repository.publish();
    let machine = Machine::new(&repository);
    assert_refuses(&machine.download(&["missing"]), "more than 32 delegations");
    assert_eq!(machine.visited().len(), 32);
}

#[test]
fn a_wildcard_does_not_match_the_separator() {
    let machine = Machine::new(&repository(&[
        ("targets", "a", "*", false),
        ("targets", "b", "x/?", false),
    ]));
    assert_refuses(&machine.download(&["x/y"]), "no target x/y");
    assert_eq!(machine.visited(), ["b"]);
}

#[test]
fn role_names_are_percent_encoded_in_urls_and_never_file_paths() {
    for (role, encoded) in [
        ("../../up", "..%2F..%2Fup"),
        ("/tmp/x", "%2Ftmp%2Fx"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2F", "%252F"),
    ] {
        let machine = Machine::new(&repository(&[("targets", role, "*", false)]));
        let outside = machine.names_in("");
        assert_refuses(&machine.download(&["missing"]), "no target missing");
        assert_eq!(machine.visited(), [encoded]);
        assert!(machine.stored(&format!("{encoded}.json")).is_some());
        let new: Vec<_> = machine
            .names_in("")
            .into_iter()
            .filter(|name| !outside.contains(name))
            .collect();
        assert_eq!(new, ["targets"]);
    }
}

#[test]
fn a_delegated_role_missing_in_the_snapshot_is_not_even_fetched() {
    let mut repository = repository(&[("targets", "a", "*", false)]);
    repository.alter("snapshot", |signed| {
        drop(signed["meta"].as_object_mut().unwrap().remove("a.json"))
    });
    repository.publish();
    let machine = Machine::new(&repository);
    assert_refuses(&machine.download(&["missing"]), "snapshot does not list a");
    assert!(machine.visited().is_empty());
}

#[test]
fn cached_metadata_is_checked_again_for_each_delegator() {
    let mut repository = repository(&[
        ("targets", "a", "a-*", false),
        ("targets", "b", "b-*", false),
    ]);
    repository.delegate_to_keys("a", "release", &["a-*"], false, 1, &["for-a"]);
    repository.delegate_to_keys("b", "release", &["b-*"], false, 1, &["for-b"]);
    repository.add_target("release", "a-1", b"from a");
    let file = json!(repository.roles["release"].targets[&"a-1".parse().unwrap()]);
    repository.alter("release", move |signed| {
        signed["targets"]["b-1"] = file.clone()
    });
    repository.publish();
    let machine = Machine::new(&repository);
    // In one run, from memory; in the next, from the store.
    for names in [&["a-1", "b-1"][..], &["b-1"]] {
        assert_refuses(
            &machine.download(names),
            "release has 0 of the 1 valid signatures that b asks for",
        );
        assert_eq!(machine.names_in("targets"), ["a-1"]);
        assert_eq!(fs::read(machine.path("targets/a-1")).unwrap(), b"from a");
    }
}
