//! Files that were exchanged between the review and the signing, in the checkout, beside it or in the repository.

use std::fs;

use xtask::enforce::Tried;

use super::super::stage::{ENFORCE, RULE, Stage, WARN};
use super::assert_not_signed;

/// The plan of one stage given to another one.
fn plan_of_another(change: impl FnOnce(&mut Stage), part: &str) {
    let (stage, mut other) = (Stage::new(), Stage::new());
    stage.plan();
    change(&mut other);
    other.plan();
    fs::copy(other.plan_path(), stage.plan_path()).unwrap();
    assert_not_signed(&stage, part);
}

#[test]
fn the_plan_of_another_repository() {
    plan_of_another(|other| other.publish(), "read.repository");
}

#[test]
fn the_plan_of_another_census() {
    let of_another = |other: &mut Stage| other.census(&[("1.4.0", "first-mini", "2026-05-31", 9)]);
    plan_of_another(of_another, "read.census");
}

#[test]
fn the_plan_of_other_rules() {
    plan_of_another(
        |other| other.rules(WARN, "2026-08-02T00:00:00Z"),
        "read.rules",
    );
}

#[test]
fn the_plan_of_other_boards() {
    plan_of_another(|other| other.describe_board("other-board"), "read.boards");
}

#[test]
fn another_census() {
    let stage = Stage::new();
    stage.plan();
    stage.census(&[("1.4.0", "first-mini", "2026-05-31", 100)]);
    assert_not_signed(&stage, "read.census");
}

#[test]
fn the_same_census_in_another_order() {
    let stage = Stage::new();
    stage.plan();
    let path = stage.workshop.root.join("census.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    fs::write(path, lines.join("\n")).unwrap();
    assert_not_signed(&stage, "read.census differ");
}

#[test]
fn changed_rules() {
    let stage = Stage::new();
    stage.plan();
    stage.rules(WARN, "2026-08-02T00:00:00Z");
    assert_not_signed(&stage, "read.rules");
}

#[test]
fn a_comment_in_the_rules() {
    let stage = Stage::new();
    stage.plan();
    stage.rules_with(WARN, ENFORCE, "# nothing else");
    assert_not_signed(&stage, "read.rules differ");
}

#[test]
fn changed_boards() {
    let stage = Stage::new();
    stage.plan();
    stage.describe_board("other-board");
    assert_not_signed(&stage, "read.boards");
}

#[test]
fn a_later_release() {
    let mut stage = Stage::new();
    stage.plan();
    stage.add("1.5.0", "2026-05-20T00:00:00Z", &[RULE]);
    stage.publish();
    assert_not_signed(&stage, "read.repository");
}

#[test]
fn a_release_yanked_since() {
    let mut stage = Stage::new();
    stage.plan();
    stage.release("1.4.0", "virt-armv7").yanked = Some("it burns".to_owned());
    stage.publish();
    assert_not_signed(&stage, "read.repository");
}

#[test]
fn a_repository_rolled_back() {
    let stage = Stage::new();
    let timestamp = stage.workshop.repository().join("metadata/timestamp.json");
    let older = fs::read(&timestamp).unwrap();
    stage.publish();
    stage.plan();
    fs::write(timestamp, older).unwrap();
    assert_not_signed(&stage, "read.repository differ");
}

#[test]
fn another_channel_manifest_under_the_name_of_the_signed_one() {
    let stage = Stage::new();
    stage.plan();
    let path = stage.stored("stable.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replace("2026-05-01", "2026-04-01")).unwrap();
    assert_not_signed(&stage, "stable.json");
}

#[test]
fn other_evidence_under_the_name_of_the_signed_one() {
    let stage = Stage::new();
    stage.plan();
    let path = stage.stored("stable-1.4.0-virt-armv7.evidence.json");
    fs::write(path, "{}").unwrap();
    assert_not_signed(&stage, "its evidence is not there");
}

#[test]
fn other_rules_in_force_under_the_name_of_the_signed_ones() {
    let stage = Stage::new();
    stage.put_in_force();
    stage.rules(WARN, "2026-08-02T00:00:00Z");
    stage.plan();
    let path = stage.stored("enforcement.json");
    let text = fs::read_to_string(&path).unwrap();
    // So that putting the date off would not look like loosening.
    fs::write(path, text.replace("2026-08-01", "2026-08-09")).unwrap();
    assert_not_signed(&stage, "enforcement.json");
}

#[test]
fn firmware_that_stopped_reading_since() {
    let mut stage = Stage::new();
    stage.plan();
    let why = "its bundle was exchanged".to_owned();
    stage.trial_of("1.3.0", Tried::Fails { why });
    assert_not_signed(&stage, "its bundle was exchanged");
}
