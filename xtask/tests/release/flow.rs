//! What a release does, and what it refuses to do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::{SignedDuration, Timestamp};
use xtask::problems::Stopped;
use xtask::release::{Environment, Outcome, Why};

use crate::workshop::{Workshop, copy_folder, make_key};

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
    let before = contents(&workshop);
    for entry in fs::read_dir(workshop.keys()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "root.json" {
            fs::remove_file(path).unwrap();
        }
    }
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(contents(&workshop), before);
}

#[test]
fn versions_and_counters_rise_and_old_releases_stay() {
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
    workshop.commit("the second commit");
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
        ("dev.1.1", 2),
        ("dev.1.2", 3),
        ("dev.2.0", 4),
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
fn preflight_tells_every_problem_at_once_and_changes_nothing() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.commit("the second commit");
    let before = contents(&workshop);
    fs::remove_file(workshop.keys().join("development-stable-1.pem")).unwrap();
    fs::remove_file(workshop.keys().join("development-stable-2.pem")).unwrap();
    fs::remove_file(workshop.keys().join("development-snapshot.pem")).unwrap();
    make_key(
        workshop.keys().as_std_path(),
        "development-timestamp",
        "development",
    );
    let error = workshop.release().unwrap_err();
    assert!(error.is::<Stopped>());
    let text = error.to_string();
    for part in [
        "3 things",
        "stable needs 2 keys and 1 are there",
        "snapshot needs 1",
        "development-timestamp in",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert_eq!(contents(&workshop), before);
}

#[test]
fn an_older_commit_is_never_released_after_a_newer_one() {
    let workshop = Workshop::new();
    workshop.commit("the second commit");
    workshop.release().unwrap();
    workshop.git(&["checkout", "--quiet", "HEAD~1"]);
    let text = workshop.problems();
    assert!(text.contains("is lower than"), "{text}");
}

#[test]
fn an_image_that_is_larger_than_its_slot_is_refused_before_anything_is_signed() {
    let workshop = Workshop::new();
    let path = "firmware/boards/virt-armv7.toml";
    let board = fs::read_to_string(workshop.root.join(path)).unwrap();
    workshop.write(path, &board.replace("33_554_432", "100_000"));
    workshop.commit("a smaller slot");
    let text = workshop.problems();
    assert!(text.contains("its root slot holds 100000"), "{text}");
    assert!(
        !workshop
            .repository()
            .join("metadata/timestamp.json")
            .exists()
    );
}

#[test]
fn a_repository_that_was_tampered_with_is_not_built_upon() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let path = workshop.repository().join("metadata/1.stable.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"length\":", "\"length\": ")).unwrap();
    workshop.commit("the second commit");
    let text = workshop.problems();
    assert!(
        text.contains("does not lead to") || text.contains("does not verify"),
        "{text}"
    );
}

#[test]
fn other_peoples_keys_do_not_lead_to_a_repository() {
    let (ours, theirs) = (Workshop::new(), Workshop::new());
    ours.release().unwrap();
    fs::remove_dir_all(theirs.keys()).unwrap();
    copy_folder(
        ours.repository().as_std_path(),
        theirs.repository().as_std_path(),
    );
    let text = theirs.problems();
    assert!(text.contains("its trust anchor is not at"), "{text}");
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
fn a_folder_without_git_says_what_to_do() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.root.join(".git")).unwrap();
    let text = workshop.problems();
    assert!(text.contains("git init"), "{text}");
}

#[test]
fn production_wants_a_clean_tree_a_tag_an_anchor_and_keys_and_tells_all_of_it() {
    let mut workshop = Workshop::new();
    workshop.environment = Environment::Production;
    workshop.write("new-file", "");
    let text = workshop.problems();
    for part in [
        "uncommitted changes",
        "no tag `v0.1.0`",
        "there is no trust anchor",
        "FIRSTLAYER_KEY_STABLE_1",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn production_refuses_a_development_anchor() {
    let mut workshop = Workshop::new();
    workshop.release().unwrap();
    fs::copy(
        workshop.keys().join("root.json"),
        workshop.root.join("keys/roots/1.root.json"),
    )
    .unwrap();
    workshop.commit("smuggle a development anchor in");
    workshop.environment = Environment::Production;
    let text = workshop.problems();
    assert!(
        text.contains("is a development trust anchor; production never accepts one"),
        "{text}"
    );
}

#[test]
fn two_releases_at_once_are_told_apart() {
    let workshop = Workshop::new();
    let folder = xtask::repository::Folder::new(workshop.repository());
    let _held = folder.lock().unwrap();
    let text = workshop.problems();
    assert!(text.contains("another command is changing it"), "{text}");
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
            name.starts_with("development-") || name == "root.json",
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

/// Every file of the repository with its contents' hash, and when it was last written.
fn contents(workshop: &Workshop) -> BTreeMap<String, (Vec<u8>, Timestamp)> {
    let mut files = BTreeMap::new();
    for folder in ["metadata", "targets", ""] {
        for entry in workshop.repository().join(folder).read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_file() {
                let written = Timestamp::try_from(metadata.modified().unwrap()).unwrap();
                files.insert(
                    entry.path().to_string(),
                    (fs::read(entry.path()).unwrap(), written),
                );
            }
        }
    }
    files
}
