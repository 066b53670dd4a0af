//! What a release refuses to do, and how it says so.

use std::fs;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask::probe::{Image, Probed};
use xtask::problems::Stopped;
use xtask::progress::{Progress, Silent};
use xtask::release::{self, BoardPlan, Environment, Firmware, Outcome, Probing};
use xtask::repository::RealDisk;

use crate::workshop::{Prebuilt, Workshop, copy_folder, make_key};

/// Firmware during whose build somebody goes on working in the checkout.
struct Meanwhile<'a, W: Fn()>(Prebuilt<'a>, W);

impl<W: Fn()> Firmware for Meanwhile<'_, W> {
    fn ready(&self, _probing: Probing) -> Result<()> {
        Ok(())
    }

    fn build(
        &self,
        board: &BoardPlan,
        environment: Environment,
        progress: &dyn Progress,
    ) -> Result<Utf8PathBuf> {
        let built = self.0.build(board, environment, progress);
        (self.1)();
        built
    }

    fn probe(&self, image: &Image, progress: &dyn Progress) -> Result<Probed> {
        self.0.probe(image, progress)
    }
}

fn release_while(workshop: &Workshop, work: impl Fn()) -> String {
    let firmware = Meanwhile(Prebuilt(&workshop.root, workshop.environment), work);
    let released = release::run_with(
        &workshop.checkout(),
        &workshop.request(),
        workshop.now,
        &firmware,
        &RealDisk,
        &Silent,
    );
    format!("{:#}", released.unwrap_err())
}

#[test]
fn a_tree_that_changes_while_it_is_built_is_not_signed() {
    let workshop = Workshop::new();
    let edited = release_while(&workshop, || workshop.write("new-file", ""));
    fs::remove_file(workshop.root.join("new-file")).unwrap();
    let moved_on = release_while(&workshop, || workshop.commit("another commit"));
    for said in [edited, moved_on] {
        assert!(
            said.contains("changed while it was built") && said.contains("nothing was signed"),
            "{said}"
        );
    }
    let metadata = workshop.repository().join("metadata");
    assert_eq!(metadata.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn preflight_tells_every_problem_at_once_and_changes_nothing() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.commit("the second commit");
    let before = workshop.contents();
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
    assert_eq!(workshop.contents(), before);
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
fn a_counter_below_a_published_one_is_refused() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    workshop.set_counter(3);
    workshop.commit("a hole is closed");
    workshop.release().unwrap();
    workshop.set_counter(2);
    workshop.commit("somebody opens it again");
    let text = workshop.problems();
    assert!(
        text.contains("has counter 2") && text.contains("set it to 3"),
        "{text}"
    );
    // What was published with the lower one stays as it is.
    workshop.git(&["checkout", "--quiet", "HEAD~2"]);
    let report = workshop.release().unwrap();
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(report.plan.counter.value(), 1);
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
fn a_repository_that_was_replaced_with_its_root_is_not_in_order() {
    let (ours, theirs) = (Workshop::new(), Workshop::new());
    make_key(
        theirs.keys().as_std_path(),
        "development-timestamp",
        "development",
    );
    theirs.release().unwrap();
    ours.release().unwrap();
    let anchor = ours.keys().join("root.json");
    fs::remove_dir_all(ours.repository()).unwrap();
    copy_folder(
        theirs.repository().as_std_path(),
        ours.repository().as_std_path(),
    );
    let problems = ours.validate(None).problems.to_string();
    assert!(problems.contains("another trust anchor than"), "{problems}");
    let status = ours.status().to_string();
    assert!(status.contains("UNKNOWN"), "{status}");
    let problems = ours.validate(Some(&anchor)).problems.to_string();
    assert!(problems.contains("does not verify"), "{problems}");
    let theirs = theirs.keys().join("root.json");
    assert!(ours.validate(Some(&theirs)).problems.is_empty());
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
