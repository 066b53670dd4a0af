//! One store under several trust anchors: those of an update's image, of the image fallen back to, of another
//! project's, of a development build's. Every start here is made without a network.

use crate::printer::Printer;
use crate::repository::{Repository, sign_file, signers};

/// A repository with three roots, each with root keys of its own.
fn rotated() -> Repository {
    let mut repository = Repository::new();
    for names in [["a-1", "a-2"], ["b-1", "b-2"]] {
        repository.set_keys("root", 2, &names);
        repository.publish_root();
    }
    repository
}

/// A repository with three roots of the same root keys.
fn renewed() -> Repository {
    let mut repository = Repository::new();
    repository.publish_root();
    repository.publish_root();
    repository
}

/// A repository whose later roots are signed by these keys alone, so that its first root does not lead to them.
fn of_other_keys(names: &'static [&str]) -> Repository {
    let mut repository = Repository::new();
    repository.set_keys("root", 2, names);
    repository.alter_file("root", |file| sign_file(file, &signers(names)));
    repository.publish_root();
    repository.heal();
    repository.publish_root();
    repository
}

fn root(repository: &Repository, version: u64) -> Vec<u8> {
    repository.files[&format!("metadata/{version}.root.json")].clone()
}

/// A printer whose image brings this version of root.
fn printer_with(repository: &Repository, version: u64) -> Printer {
    let mut printer = Printer::new(repository);
    printer.anchor = root(repository, version);
    printer
}

/// The version trusted after a start with this anchor; what is stored must be the same.
fn start_with(printer: &mut Printer, anchor: Vec<u8>) -> u64 {
    printer.anchor = anchor;
    let client = printer.start();
    assert_eq!(
        printer.stored("root.json").as_deref(),
        Some(client.root().bytes())
    );
    client.root().version
}

#[test]
fn an_older_anchor_does_not_undo_rotations_that_the_printer_has_followed() {
    let repository = rotated();
    let mut printer = printer_with(&repository, 1);
    printer.refresh(&repository).unwrap();
    for anchor in [3, 1, 2, 1] {
        assert_eq!(start_with(&mut printer, root(&repository, anchor)), 3);
    }
}

#[test]
fn an_older_anchor_does_not_undo_a_newer_one_that_its_own_keys_signed() {
    let repository = renewed();
    let mut printer = printer_with(&repository, 3);
    printer.refresh(&repository).unwrap();
    assert_eq!(start_with(&mut printer, root(&repository, 1)), 3);
}

#[test]
fn an_older_anchor_that_nothing_stored_links_to_the_newer_root_starts_again() {
    let repository = rotated();
    let mut printer = printer_with(&repository, 3);
    printer.refresh(&repository).unwrap();
    assert_eq!(start_with(&mut printer, root(&repository, 1)), 1);
    assert_eq!(printer.refresh(&repository).unwrap().root().version, 3);
}

#[test]
fn a_newer_anchor_is_taken_and_stays_when_the_older_one_comes_back() {
    let repository = renewed();
    let mut printer = printer_with(&repository, 1);
    printer.start();
    assert_eq!(start_with(&mut printer, root(&repository, 3)), 3);
    assert_eq!(start_with(&mut printer, root(&repository, 1)), 3);
}

#[test]
fn a_newer_anchor_ends_roots_forged_with_the_keys_that_it_revokes() {
    let mut forged = Repository::new();
    for _ in 2..=9 {
        forged.publish_root();
    }
    let mut printer = printer_with(&forged, 1);
    assert_eq!(printer.refresh(&forged).unwrap().root().version, 9);
    let honest = rotated();
    assert_eq!(start_with(&mut printer, root(&honest, 2)), 2);
    assert_eq!(printer.refresh(&honest).unwrap().root().version, 3);
}

#[test]
fn a_newer_anchor_recovers_from_fast_forward_as_the_same_root_from_the_network_does() {
    const HIGH: u64 = 9_000_000_000_000_000;
    let mut repository = Repository::new();
    let mut printer = printer_with(&repository, 1);
    (repository.snapshot_version, repository.timestamp_version) = (HIGH, HIGH);
    repository.publish();
    printer.refresh(&repository).unwrap();
    (repository.snapshot_version, repository.timestamp_version) = (2, 2);
    repository.set_keys("snapshot", 1, &["fresh"]);
    repository.publish_root();
    repository.publish();
    assert_eq!(start_with(&mut printer, root(&repository, 2)), 2);
    printer.refresh(&repository).unwrap();
}

#[test]
fn a_production_anchor_takes_nothing_from_a_development_store_nor_the_other_way_round() {
    let development = of_other_keys(&["development-1", "development-2"]);
    let production = rotated();
    let mut printer = printer_with(&development, 2);
    printer.refresh(&development).unwrap();
    // What is stored each time is newer than the anchor that comes, and does not descend from it.
    assert_eq!(start_with(&mut printer, root(&production, 1)), 1);
    assert!(
        !printer
            .refresh(&production)
            .unwrap()
            .root()
            .is_development()
    );
    assert_eq!(start_with(&mut printer, root(&development, 2)), 2);
    assert!(
        printer
            .refresh(&development)
            .unwrap()
            .root()
            .is_development()
    );
    assert_eq!(start_with(&mut printer, root(&production, 1)), 1);
    assert!(!printer.start().root().is_development());
}

#[test]
fn an_anchor_of_the_stored_version_is_taken_as_the_image_brings_it() {
    let repository = renewed();
    let mut printer = printer_with(&repository, 3);
    printer.start();
    let mut file: serde_json::Value = serde_json::from_slice(&printer.anchor).unwrap();
    sign_file(&mut file, &signers(&["root-2", "root-3"]));
    let signed_again = serde_json::to_vec(&file).unwrap();
    assert_eq!(start_with(&mut printer, signed_again.clone()), 3);
    assert_eq!(printer.stored("root.json"), Some(signed_again));
}

#[test]
fn a_stored_root_that_was_lost_or_damaged_is_reached_again_through_those_before_it() {
    let repository = rotated();
    let mut printer = printer_with(&repository, 1);
    printer.refresh(&repository).unwrap();
    for damage in [
        None,
        Some(b"\0garbage".to_vec()),
        Some(root(&repository, 2)),
    ] {
        let mut memory = printer.memory.0.borrow_mut();
        match damage {
            None => memory.remove("root.json"),
            Some(damage) => memory.insert("root.json".into(), damage),
        };
        drop(memory);
        assert_eq!(start_with(&mut printer, root(&repository, 1)), 3);
    }
}
