//! Talking `apply` into signing something else. Each test is named for what is tried.

mod clocks;
mod edited;
mod swapped;

use xtask::problems::Stopped;

use super::stage::Stage;

/// Nothing is signed, and the problem is told.
fn assert_not_signed(stage: &Stage, part: &str) {
    let before = stage.workshop.contents();
    let error = stage.apply().unwrap_err();
    assert!(error.is::<Stopped>(), "{error:#}");
    assert!(format!("{error:#}").contains(part), "{error:#}");
    assert_eq!(stage.workshop.contents(), before);
}

#[test]
fn a_plan_that_passed_is_signed_by_the_enforcement_role_and_nothing_else_changes() {
    let stage = Stage::new();
    let before = stage.state();
    let applied = stage.put_in_force();
    assert!(applied.changed);
    let after = stage.state();
    let signed = after.enforcement(&stage.folder()).unwrap().unwrap();
    assert_eq!(signed, applied.manifest);
    assert_eq!(signed.rules()[0].minimums.len(), 2);
    let version = |state: &xtask::repository::State, role: &str| {
        let roles = state.roles();
        let mut roles = roles.iter();
        roles.find(|one| one.name.as_str() == role).unwrap().version
    };
    for role in ["root", "targets", "stable", "beta"] {
        assert_eq!(version(&after, role), version(&before, role), "{role}");
    }
    for role in ["enforcement", "snapshot", "timestamp"] {
        assert_eq!(version(&after, role), version(&before, role) + 1, "{role}");
    }
    let targets = &after.targets("enforcement").unwrap().targets;
    let names: Vec<&str> = targets.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["enforcement.json"]);
}

#[test]
fn the_same_plan_twice() {
    let stage = Stage::new();
    stage.put_in_force();
    assert_not_signed(&stage, "read.repository");
    let before = stage.workshop.contents();
    assert!(!stage.plan().is_new);
    assert!(!stage.apply().unwrap().changed);
    assert_eq!(stage.workshop.contents(), before);
}

#[test]
fn two_at_once() {
    let stage = Stage::new();
    stage.plan();
    let _held = stage.folder().lock().unwrap();
    let error = format!("{:#}", stage.apply().unwrap_err());
    assert!(error.contains("another command is changing it"), "{error}");
}

#[test]
fn too_few_keys() {
    let stage = Stage::new();
    stage.plan();
    for key in ["enforcement-1", "enforcement-3"] {
        std::fs::remove_file(stage.key(key)).unwrap();
    }
    assert_not_signed(&stage, "enforcement needs 2 keys and 1 are there");
}

#[test]
fn keys_of_another_role() {
    let stage = Stage::new();
    stage.plan();
    for number in 1..=3 {
        let others = stage.key(&format!("stable-{number}"));
        std::fs::copy(others, stage.key(&format!("enforcement-{number}"))).unwrap();
    }
    let before = stage.workshop.contents();
    let error = format!("{:#}", stage.apply().unwrap_err());
    assert!(error.contains("enforcement"), "{error}");
    assert_eq!(stage.workshop.contents(), before);
}
