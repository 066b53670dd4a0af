//! Talking `apply` into signing something else.

use std::fs;

use serde_json::{Value, json};
use xtask::problems::Stopped;

use super::stage::{ENFORCE, RULE, Stage};

/// Nothing is signed, and the problem is told.
fn assert_not_signed(stage: &Stage, part: &str) {
    let before = stage.workshop.contents();
    let error = stage.apply().unwrap_err();
    assert!(error.is::<Stopped>(), "{error:#}");
    assert!(format!("{error:#}").contains(part), "{error:#}");
    assert_eq!(stage.workshop.contents(), before);
    assert_eq!(stage.status().revision, None);
}

/// A reviewed plan that would pass, edited.
fn edited(stage: &Stage, edit: impl FnOnce(&mut Value)) {
    stage.plan();
    let path = stage.plan_path();
    let mut plan: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut plan);
    fs::write(path, serde_json::to_vec(&plan).unwrap()).unwrap();
}

#[test]
fn a_plan_that_passed_is_signed_by_the_enforcement_role_and_nothing_else_changes() {
    let stage = Stage::new();
    let before = stage.state();
    let applied = stage.put_in_force();
    assert!(applied.changed);
    let status = stage.status();
    assert_eq!(status.revision, Some(1));
    assert_eq!(status.rules[0].rule.minimums.len(), 2);
    let after = stage.state();
    let version = |state: &xtask::repository::State, role: &str| {
        let roles = state.roles();
        roles
            .iter()
            .find(|one| one.name.as_str() == role)
            .unwrap()
            .version
    };
    for role in ["root", "targets", "stable", "beta"] {
        assert_eq!(version(&after, role), version(&before, role), "{role}");
    }
    for role in ["enforcement", "snapshot", "timestamp"] {
        assert_eq!(version(&after, role), version(&before, role) + 1, "{role}");
    }
    let names: Vec<_> = after
        .targets("enforcement")
        .unwrap()
        .targets
        .keys()
        .collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].as_str(), "enforcement.json");
}

#[test]
fn what_is_in_force_already_is_not_signed_again() {
    let stage = Stage::new();
    stage.put_in_force();
    let before = stage.workshop.contents();
    let plan = stage.plan();
    assert!(!plan.is_new);
    assert!(!stage.apply().unwrap().changed);
    assert_eq!(stage.workshop.contents(), before);
}

#[test]
fn a_minimum_typed_in_by_hand() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["manifest"]["rules"][0]["minimums"][0]["version"] = json!("9.0.0");
    });
    assert_not_signed(&stage, "manifest.rules differ");
}

#[test]
fn a_date_moved_in_the_plan() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["manifest"]["rules"][0]["enforce_from"] = json!("2026-06-16T00:00:00Z");
    });
    assert_not_signed(&stage, "manifest.rules differ");
}

#[test]
fn refusals_taken_out_of_the_plan() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    edited(&stage, |plan| plan["refusals"] = json!([]));
    assert_not_signed(&stage, "--max-lockout 0 allows 0");
}

#[test]
fn a_budget_raised_in_the_plan_alone() {
    let mut stage = Stage::new();
    edited(&stage, |_| {});
    stage.terms.max_lockout = "0".parse().unwrap();
    assert_not_signed(&stage, "terms.max_lockout");
}

#[test]
fn numbers_made_smaller_in_the_plan() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["impact"]["total"]["lost_now"] = json!(0)
    });
    assert_not_signed(&stage, "impact.total differ");
}

#[test]
fn trials_that_never_were() {
    let mut stage = Stage::new();
    stage.plan();
    // The cache has it that 1.2.0 reads everything; it is tried afresh.
    let why = "it hangs".to_owned();
    let outcomes = &mut stage.trial.outcomes;
    outcomes.insert("1.2.0".to_owned(), xtask::enforce::Tried::Fails { why });
    assert_not_signed(&stage, "cannot check for updates today: it hangs");
}

#[test]
fn another_census() {
    let stage = Stage::new();
    stage.plan();
    stage.census(&[("1.4.0", "first-mini", "2026-05-31", 100)]);
    assert_not_signed(&stage, "read.census");
}

#[test]
fn other_rules() {
    let stage = Stage::new();
    stage.plan();
    stage.rules("2026-06-15T00:00:00Z", "2026-08-02T00:00:00Z");
    assert_not_signed(&stage, "read.rules");
}

#[test]
fn a_repository_that_moved_on() {
    let stage = Stage::new();
    stage.plan();
    stage.publish();
    assert_not_signed(&stage, "read.repository");
}

#[test]
fn other_boards() {
    let stage = Stage::new();
    stage.plan();
    let path = "firmware/boards/virt-armv7.toml";
    let board = fs::read_to_string(stage.workshop.root.join(path)).unwrap();
    stage
        .workshop
        .write(path, &board.replace("33_554_432", "33_554_431"));
    assert_not_signed(&stage, "read.boards");
}

#[test]
fn a_plan_of_last_month_and_one_of_tomorrow() {
    let mut stage = Stage::new();
    stage.plan();
    stage.workshop.now = "2026-05-31T23:00:00Z".parse().unwrap();
    assert_not_signed(&stage, "older than a week, or from the future");
    for time in ["2026-05-01T00:00:00Z", "soon", ""] {
        edited(&stage, |plan| plan["as_of"] = json!(time));
        assert_not_signed(&stage, "older than a week, or from the future");
    }
}

#[test]
fn a_manifest_or_anything_else_given_for_a_plan() {
    let stage = Stage::new();
    let manifest = serde_json::to_value(stage.plan().manifest).unwrap();
    for other in [manifest, json!({}), json!([]), json!("plan"), Value::Null] {
        fs::write(stage.plan_path(), other.to_string()).unwrap();
        assert_not_signed(&stage, "is no plan of this program");
    }
    fs::write(stage.plan_path(), b"\x00not json").unwrap();
    assert_not_signed(&stage, "is no plan of this program");
}

#[test]
fn a_line_added_to_the_plan() {
    let stage = Stage::new();
    edited(&stage, |plan| plan["approved"] = json!(true));
    assert_not_signed(&stage, "approved differ");
}

#[test]
fn a_deadline_that_the_plan_waited_for_too_long() {
    let mut stage = Stage::new();
    // Due notice when it was made, and not four days later.
    stage.rules("2026-06-02T00:00:00Z", ENFORCE);
    stage.plan();
    stage.workshop.now = "2026-06-05T00:00:00Z".parse().unwrap();
    assert_not_signed(&stage, "since the plan was made");
}

#[test]
fn too_few_keys() {
    let stage = Stage::new();
    stage.plan();
    for key in [
        "development-enforcement-1.pem",
        "development-enforcement-3.pem",
    ] {
        fs::remove_file(stage.workshop.keys().join(key)).unwrap();
    }
    assert_not_signed(&stage, "enforcement needs 2 keys and 1 are there");
}

#[test]
fn two_at_once() {
    let stage = Stage::new();
    stage.plan();
    let folder = xtask::repository::Folder::new(stage.workshop.repository());
    let _held = folder.lock().unwrap();
    let error = format!("{:#}", stage.apply().unwrap_err());
    assert!(error.contains("another command is changing it"), "{error}");
}

#[test]
fn a_rule_is_withdrawn_with_its_reason_and_may_be_put_off() {
    let stage = Stage::new();
    let error = format!("{:#}", stage.withdraw("why not", None).unwrap_err());
    assert!(error.contains("no rule is"), "{error}");
    stage.put_in_force();
    for (why, postpone, part) in [
        (" ", None, "--why is empty"),
        ("later", Some(ENFORCE), "name a later time"),
        ("earlier", Some("2026-07-01T00:00:00Z"), "name a later time"),
    ] {
        let error = format!("{:#}", stage.withdraw(why, postpone).unwrap_err());
        assert!(error.contains(part), "{error}");
    }
    let later = stage
        .withdraw("the holidays", Some("2026-09-01T00:00:00Z"))
        .unwrap();
    assert_eq!(later.manifest.revision(), 2);
    let gone = stage.withdraw("1.4.0 fails", None).unwrap();
    assert_eq!(
        (gone.manifest.revision(), gone.manifest.rules().len()),
        (3, 0)
    );
    let told: Vec<_> = gone
        .manifest
        .relaxations()
        .iter()
        .map(|one| one.why.as_str())
        .collect();
    assert_eq!(told, ["the holidays", "1.4.0 fails"]);
    assert_eq!(gone.manifest.relaxations()[0].rule.as_str(), RULE);
    assert!(stage.status().rules.is_empty());
}

#[test]
fn releases_go_on_with_rules_in_force() {
    let stage = Stage::new();
    stage.put_in_force();
    let status = stage.workshop.status();
    assert_eq!(status.channels.len(), 1, "the rules are no channel");
    stage.workshop.set_version("2.0.0");
    stage.workshop.set_capabilities(&[(RULE, "it can")]);
    stage.workshop.commit("the next commit");
    stage.workshop.release().unwrap();
    assert_eq!(stage.status().revision, Some(1));
}
