//! What a release does.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::SignedDuration;
use xtask::release::{Outcome, Why};

use crate::workshop::{Workshop, copy_folder};

#[test]
fn a_commit_becomes_a_repository_that_verifies_and_says_that_it_is_for_development() {
    let workshop = Workshop::new();
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Released);
    assert_eq!(report.bundles.len(), 2);
    workshop.assert_in_order();
    let status = workshop.status();
    assert!(status.development && !status.expired);
    assert_eq!(status.channels.len(), 1);
    assert!(status.to_string().contains("DEVELOPMENT"));
    assert!(workshop.repository().join("metadata/1.root.json").is_file());
    assert_eq!(
        fs::read(workshop.repository().join("root.json")).unwrap(),
        fs::read(workshop.keys().join("root.json")).unwrap()
    );
}

#[test]
fn a_second_run_does_nothing_and_needs_no_private_key() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let before = workshop.contents();
    for entry in fs::read_dir(workshop.keys()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "root.json" {
            fs::remove_file(path).unwrap();
        }
    }
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(workshop.contents(), before);
}

#[test]
fn versions_rise_counters_are_the_channels_and_old_releases_stay() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.write("firmware/printerd/src/main.rs", "fn main() { }\n");
    assert_eq!(workshop.release().unwrap().outcome, Outcome::Released);
    assert_eq!(
        workshop.release().unwrap().outcome,
        Outcome::Unchanged,
        "the same changed tree again"
    );
    workshop.set_firmware(2);
    workshop.release().unwrap();
    workshop.set_counter(2);
    workshop.commit("the second commit closes a hole");
    workshop.release().unwrap();
    workshop.assert_in_order();
    let status = workshop.status();
    let releases = &status.channels[0].releases;
    let places: Vec<_> = releases
        .iter()
        .map(|release| {
            let pre = release.version.pre.as_str();
            (
                pre.rsplit_once('.').unwrap().0.to_owned(),
                release.counter.value(),
                release.board.to_string(),
            )
        })
        .collect();
    let expected: Vec<_> = [
        ("dev.1.0", 1),
        ("dev.1.1", 1),
        ("dev.1.2", 1),
        ("dev.2.0", 2),
    ]
    .into_iter()
    .flat_map(|(pre, counter)| {
        ["virt-aarch64", "virt-armv7"].map(|board| (pre.to_owned(), counter, board.to_owned()))
    })
    .collect();
    assert_eq!(places, expected);
}

#[test]
fn looking_at_a_changed_tree_leaves_the_index_and_the_objects_alone() {
    let workshop = Workshop::new();
    workshop.write("new-file", "not yet added\n");
    let before = (
        workshop.git(&["ls-files", "--stage"]),
        workshop.git(&["count-objects"]),
    );
    workshop.release().unwrap();
    assert_eq!(
        (
            workshop.git(&["ls-files", "--stage"]),
            workshop.git(&["count-objects"])
        ),
        before
    );
}

#[test]
fn a_file_that_was_changed_in_the_moment_of_its_commit_is_seen_to_differ() {
    let workshop = Workshop::new();
    workshop.git(&["config", "core.trustctime", "false"]);
    let (file, index) = ("firmware/printerd/prebuilt", ".git/index");
    let time = fs::metadata(workshop.root.join(file))
        .unwrap()
        .modified()
        .unwrap();
    workshop.set_firmware(2);
    for path in [file, index] {
        let file = fs::File::options()
            .append(true)
            .open(workshop.root.join(path))
            .unwrap();
        file.set_modified(time).unwrap();
    }
    assert!(workshop.release().unwrap().plan.source.changed.is_some());
}

#[test]
fn the_same_commit_keys_and_anchor_give_the_same_bundles_in_another_folder() {
    let (first, second) = (Workshop::new(), Workshop::new());
    let report = first.release().unwrap();
    fs::remove_dir_all(second.keys()).unwrap();
    copy_folder(first.keys().as_std_path(), second.keys().as_std_path());
    let again = second.release().unwrap();
    assert_eq!(report.plan.version, again.plan.version);
    let hashes = |report: &xtask::release::Report| {
        report
            .bundles
            .iter()
            .map(|made| made.sha256)
            .collect::<Vec<_>>()
    };
    assert_eq!(hashes(&report), hashes(&again));
}

#[test]
fn metadata_near_its_expiry_is_signed_again_and_nothing_else() {
    let mut workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.now = workshop
        .now
        .checked_add(SignedDuration::from_hours(6 * 24))
        .unwrap();
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Renewed);
    let signed: Vec<_> = report
        .plan
        .signings
        .iter()
        .map(|signing| (signing.role.as_str(), signing.why))
        .collect();
    assert_eq!(signed, [("timestamp", Why::NearExpiry)]);
    workshop.assert_in_order();
}

#[test]
fn everything_that_has_expired_is_renewed_the_root_too() {
    let mut workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.now = "2029-01-01T00:00:00Z".parse().unwrap();
    assert!(workshop.status().expired);
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Renewed);
    assert_eq!(report.plan.signings.len(), 7);
    assert!(!workshop.status().expired);
    workshop.assert_in_order();
    assert!(workshop.repository().join("metadata/2.root.json").is_file());
}

#[test]
fn a_changed_delegation_is_signed_by_targets() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let roles = fs::read_to_string(workshop.root.join("keys/roles.toml")).unwrap();
    let more = "paths = [\"enforcement.json\", \"enforcement-*\"]";
    workshop.write(
        "keys/roles.toml",
        &roles.replace("paths = [\"enforcement.json\"]", more),
    );
    workshop.commit("enforcement may name more");
    let report = workshop.release().unwrap();
    let why = report
        .plan
        .signings
        .iter()
        .find(|signing| signing.role == "targets")
        .map(|signing| signing.why);
    assert_eq!(why, Some(Why::Changed));
    workshop.assert_in_order();
}

#[test]
fn a_shallow_clone_releases_and_says_that_its_count_is_not_the_true_one() {
    let deep = Workshop::new();
    deep.commit("the second commit");
    let folder = tempfile::tempdir().unwrap();
    let origin = format!("file://{}", deep.root);
    deep.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        &origin,
        folder.path().join("shallow").to_str().unwrap(),
    ]);
    let shallow = Workshop::at(&folder.path().join("shallow"));
    copy_folder(deep.keys().as_std_path(), shallow.keys().as_std_path());
    let report = shallow.release().unwrap();
    assert!(report.plan.source.shallow && report.plan.to_string().contains("shallow"));
    assert_eq!(report.plan.source.count, 1);
}

#[test]
fn two_first_releases_at_once_share_the_keys_of_one_folder() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.keys()).unwrap();
    let folders = ["one", "other"].map(|name| workshop.root.join(".firstlayer").join(name));
    std::thread::scope(|scope| {
        for folder in &folders {
            scope.spawn(|| workshop.release_into(folder).unwrap());
        }
    });
    let anchor = fs::read(workshop.keys().join("root.json")).unwrap();
    for folder in &folders {
        assert_eq!(fs::read(folder.join("root.json")).unwrap(), anchor);
        let report = workshop.validate_at(folder, None);
        assert!(report.problems.is_empty(), "{}", report.problems);
    }
}

#[test]
fn keys_that_are_made_on_first_use_are_for_development_and_for_their_owner_alone() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.keys()).unwrap();
    let report = workshop.release().unwrap();
    assert_eq!(report.plan.make_keys.len(), 15);
    for entry in fs::read_dir(workshop.keys()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert!(
            name.starts_with("development-") || ["root.json", ".lock"].contains(&name.as_str()),
            "{name}"
        );
        assert!(
            mode == 0o600 || !name.ends_with(".pem") || name.ends_with(".pub.pem"),
            "{name}: {mode:o}"
        );
    }
    assert_eq!(
        fs::metadata(workshop.keys()).unwrap().permissions().mode() & 0o777,
        0o700
    );
    workshop.assert_in_order();
}
