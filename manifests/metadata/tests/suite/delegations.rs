//! The search for targets: order, ends, cycles, names and authority.

use firstlayer_metadata::Error;
use serde_json::json;

use crate::printer::{Printer, metadata_error};
use crate::repository::Repository;

/// The delegated roles fetched, in their order.
fn visited(printer: &Printer) -> Vec<String> {
    let top_level = ["root", "timestamp", "snapshot", "targets"];
    let requests = printer.requests().into_iter();
    let roles =
        requests.filter_map(|file| Some(file.strip_suffix(".json")?.split_once('.')?.1.to_owned()));
    roles
        .filter(|role| !top_level.contains(&role.as_str()))
        .collect()
}

fn repository(delegations: &[(&str, &str, &str, bool)]) -> (Repository, Printer) {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    for (delegator, role, pattern, terminating) in delegations {
        repository.delegate(delegator, role, &[pattern], *terminating);
    }
    repository.publish();
    (repository, printer)
}

#[test]
fn the_search_goes_depth_first_in_the_order_of_the_delegations() {
    let (repository, printer) = repository(&[
        ("targets", "a", "*", false),
        ("targets", "b", "*", false),
        ("a", "c", "*", false),
        ("c", "d", "*", false),
        ("a", "e", "*", false),
    ]);
    assert_eq!(printer.find(&repository, "missing").unwrap(), None);
    assert_eq!(visited(&printer), ["a", "c", "d", "e", "b"]);
}

#[test]
fn the_first_role_that_names_a_target_decides() {
    let (mut repository, printer) = repository(&[
        ("targets", "a", "*", false),
        ("a", "c", "*", false),
        ("targets", "b", "*", false),
    ]);
    repository.add_target("c", "x", b"from c");
    repository.add_target("b", "x", b"from b");
    repository.publish();
    let target = printer.find(&repository, "x").unwrap().unwrap();
    assert_eq!((target.role().as_str(), target.length()), ("c", 6));
    assert_eq!(visited(&printer), ["a", "c"]);
}

#[test]
fn a_terminating_delegation_ends_the_search_after_its_own_branch() {
    let (repository, printer) = repository(&[
        ("targets", "a", "*", false),
        ("targets", "b", "*", false),
        ("a", "c", "*", true),
        ("a", "d", "*", false),
        ("c", "e", "*", false),
    ]);
    assert_eq!(printer.find(&repository, "missing").unwrap(), None);
    assert_eq!(visited(&printer), ["a", "c", "e"]);
}

#[test]
fn a_terminating_delegation_of_other_paths_ends_nothing() {
    let (repository, printer) = repository(&[
        ("targets", "a", "*.doc", true),
        ("targets", "b", "*", false),
    ]);
    assert_eq!(printer.find(&repository, "missing").unwrap(), None);
    assert_eq!(visited(&printer), ["b"]);
}

#[test]
fn cycles_end() {
    let (repository, printer) = repository(&[
        ("targets", "a", "*", false),
        ("a", "b", "*", false),
        ("b", "c", "*", false),
        ("c", "a", "*", false),
        ("c", "c", "*", false),
    ]);
    assert_eq!(printer.find(&repository, "missing").unwrap(), None);
    assert_eq!(visited(&printer), ["a", "b", "c"]);
}

#[test]
fn no_more_delegations_than_the_limit_are_followed() {
    let mut repository = Repository::new();
    let mut printer = Printer::new(&repository);
    for number in 0..5 {
        repository.delegate("targets", &format!("role-{number}"), &["*"], false);
    }
    repository.publish();
    printer.limits.delegations = 5;
    assert_eq!(printer.find(&repository, "missing").unwrap(), None);
    printer.limits.delegations = 4;
    assert_refused!(
        printer.find(&repository, "missing"),
        Error::TooManyDelegations { limit: 4, .. }
    );
}

#[test]
fn a_wildcard_does_not_match_the_separator() {
    let (repository, printer) =
        repository(&[("targets", "a", "*", false), ("targets", "b", "x/?", false)]);
    assert_eq!(printer.find(&repository, "x/y").unwrap(), None);
    assert_eq!(visited(&printer), ["b"]);
}

#[test]
fn role_names_are_percent_encoded_in_urls_and_in_the_store() {
    for (role, encoded) in [
        ("../up", "..%2Fup"),
        ("/", "%2F"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2F", "%252F"),
        (" é", "%20%C3%A9"),
    ] {
        let (repository, printer) = repository(&[("targets", role, "*", false)]);
        assert_eq!(printer.find(&repository, "missing").unwrap(), None);
        assert_eq!(visited(&printer), [encoded]);
        assert!(printer.stored(&format!("{encoded}.json")).is_some());
    }
}

/// Two delegators name one role, with a key each; the role is signed for the first alone.
fn diamond() -> (Repository, Printer) {
    let (mut repository, printer) = repository(&[
        ("targets", "a", "a-*", false),
        ("targets", "b", "b-*", false),
    ]);
    repository.delegate_to_keys("a", "release", &["a-*"], false, 1, &["for-a"]);
    repository.delegate_to_keys("b", "release", &["b-*"], false, 1, &["for-b"]);
    repository.alter("release", |signed| {
        let file = json!({ "length": 1, "hashes": { "sha256": "00".repeat(32) } });
        signed["targets"] = json!({ "a-1": file, "b-1": file });
    });
    repository.publish();
    (repository, printer)
}

#[test]
fn cached_metadata_is_checked_again_for_each_delegator() {
    let (repository, printer) = diamond();
    let mut client = printer.refresh(&repository).unwrap();
    let for_a = client
        .find_target(&"a-1".parse().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(for_a.role().as_str(), "release");
    let for_b = client
        .find_target(&"b-1".parse().unwrap())
        .map_err(metadata_error);
    assert_refused!(for_b, Error::Threshold { authority, have: 0, .. } if authority == "b");
    assert!(
        client
            .find_target(&"a-1".parse().unwrap())
            .unwrap()
            .is_some()
    );
    // In the next run the stored copy counts no more than the cached one.
    assert_refused!(
        printer.find(&repository, "b-1"),
        Error::Threshold { have: 0, .. }
    );
}

#[test]
fn cached_metadata_is_not_fetched_again() {
    let (repository, printer) = repository(&[("targets", "a", "*", false)]);
    printer.find(&repository, "missing").unwrap();
    printer.find(&repository, "missing").unwrap();
    assert_eq!(printer.requests(), ["2.root.json", "timestamp.json"]);
}

#[test]
fn a_role_is_delegated_by_hash_of_the_path() {
    // sha256 of "hello" begins with 2cf2, that of "world" with 486e.
    let (mut repository, printer) = repository(&[("targets", "a", "*", false)]);
    repository.alter("targets", |signed| {
        signed["targets"] = json!({});
        let role = signed["delegations"]["roles"][0].as_object_mut().unwrap();
        role.remove("paths").unwrap();
        role.insert("path_hash_prefixes".into(), json!(["ff", "2cf2"]));
    });
    repository.add_target("a", "hello", b"hello");
    repository.publish();
    assert_eq!(
        printer
            .find(&repository, "hello")
            .unwrap()
            .unwrap()
            .role()
            .as_str(),
        "a"
    );
    let printer = Printer::new(&repository);
    assert_eq!(printer.find(&repository, "world").unwrap(), None);
    assert!(visited(&printer).is_empty());
}

#[test]
fn a_role_is_found_in_its_hash_bin() {
    // 6 bits of 2cf2… are 001011: bin 0b of 40 (hexadecimal).
    let (mut repository, printer) = repository(&[("targets", "bin-0b", "*", false)]);
    repository.alter("targets", |signed| {
        signed["targets"] = json!({});
        let delegations = signed["delegations"].as_object_mut().unwrap();
        let role = delegations.remove("roles").unwrap()[0].take();
        let (keyids, threshold) = (&role["keyids"], &role["threshold"]);
        let bins = json!({ "keyids": keyids, "threshold": threshold, "bit_length": 6, "name_prefix": "bin" });
        delegations.insert("succinct_roles".into(), bins);
    });
    repository.add_target("bin-0b", "hello", b"hello");
    repository.publish();
    assert_eq!(
        printer
            .find(&repository, "hello")
            .unwrap()
            .unwrap()
            .role()
            .as_str(),
        "bin-0b"
    );
    // "world" is in bin 12, which the snapshot does not list.
    assert_refused!(
        printer.find(&repository, "world"),
        Error::NotInSnapshot { role } if role.as_str() == "bin-12"
    );
}

#[test]
fn delegations_that_can_be_read_in_two_ways_are_refused() {
    let ambiguous: [fn(&mut serde_json::Value); 7] = [
        |delegations| delegations["roles"][0]["path_hash_prefixes"] = json!(["00"]),
        |delegations| {
            drop(
                delegations["roles"][0]
                    .as_object_mut()
                    .unwrap()
                    .remove("paths"),
            )
        },
        |delegations| {
            let twice = delegations["roles"][0].clone();
            delegations["roles"].as_array_mut().unwrap().push(twice);
        },
        |delegations| drop(delegations.as_object_mut().unwrap().remove("roles")),
        |delegations| {
            let bins =
                json!({ "keyids": [], "threshold": 1, "bit_length": 6, "name_prefix": "bin" });
            delegations["succinct_roles"] = bins;
        },
        |delegations| {
            let keyid = delegations["roles"][0]["keyids"][0].clone();
            delegations["roles"][0]["keyids"]
                .as_array_mut()
                .unwrap()
                .push(keyid);
        },
        |delegations| delegations["roles"][0]["name"] = json!(""),
    ];
    for surgery in ambiguous {
        let (mut repository, printer) = repository(&[("targets", "a", "*", false)]);
        repository.alter("targets", move |signed| surgery(&mut signed["delegations"]));
        repository.publish();
        assert_refused!(printer.refresh(&repository), Error::Malformed { .. });
    }
}
