//! A plan's file that was edited, or is none.

use std::fs;

use serde_json::{Value, json};
use xtask::enforce::Tried;

use super::super::stage::Stage;
use super::assert_not_signed;

/// A reviewed plan, edited.
fn edited(stage: &Stage, edit: impl FnOnce(&mut Value)) {
    stage.plan();
    let path = stage.plan_path();
    let mut plan: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut plan);
    fs::write(path, serde_json::to_vec(&plan).unwrap()).unwrap();
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
fn a_date_moved() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["manifest"]["rules"][0]["enforce_from"] = json!("2026-06-16T00:00:00Z");
    });
    assert_not_signed(&stage, "manifest.rules differ");
}

#[test]
fn a_rule_added() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        let rules = plan["manifest"]["rules"].as_array_mut().unwrap();
        let mut another = rules[0].clone();
        another["name"] = json!("lan-mqtts");
        rules.push(another);
    });
    assert_not_signed(&stage, "manifest.rules differ");
}

#[test]
fn a_later_revision() {
    let stage = Stage::new();
    edited(&stage, |plan| plan["manifest"]["revision"] = json!(1000));
    assert_not_signed(&stage, "manifest.revision differ");
}

#[test]
fn a_loosening_slipped_in() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        let told = json!([{ "rule": "https-transfer", "revision": 1, "why": "because" }]);
        plan["manifest"]["relaxations"] = told.clone();
        plan["terms"]["relax"] = told;
    });
    assert_not_signed(&stage, "manifest.relaxations, terms.relax differ");
}

#[test]
fn refusals_taken_out() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    edited(&stage, |plan| plan["refusals"] = json!([]));
    assert_not_signed(&stage, "--max-lockout 0 allows 0");
}

#[test]
fn a_budget_raised_in_the_file_alone() {
    let mut stage = Stage::new();
    stage.plan();
    stage.terms.max_lockout = "0".parse().unwrap();
    assert_not_signed(&stage, "terms.max_lockout");
}

#[test]
fn terms_that_the_signer_was_not_told() {
    let strict = Stage::new().terms;
    for loosen in [
        |stage: &mut Stage| stage.terms.grace = "0h".parse().unwrap(),
        |stage: &mut Stage| stage.terms.notice = "0h".parse().unwrap(),
        |stage: &mut Stage| stage.terms.silent_after = "1d".parse().unwrap(),
        |stage: &mut Stage| stage.terms.accept_untried = true,
    ] {
        let mut stage = Stage::new();
        loosen(&mut stage);
        stage.plan();
        stage.terms = strict.clone();
        assert_not_signed(&stage, "terms.");
    }
}

#[test]
fn numbers_made_smaller() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["impact"]["total"]["lost_now"] = json!(0);
    });
    assert_not_signed(&stage, "impact.total differ");
}

#[test]
fn a_way_that_does_not_lead_there() {
    let stage = Stage::new();
    edited(&stage, |plan| {
        plan["recoveries"][0]["way"] = json!(["1.3.0", "1.4.0"]);
    });
    assert_not_signed(&stage, "recoveries differ");
}

#[test]
fn trials_that_never_were() {
    let mut stage = Stage::new();
    stage.plan();
    // What is kept of the plan's trials says that 1.2.0 reads everything; it is tried afresh.
    let why = "it hangs".to_owned();
    stage.trial_of("1.2.0", Tried::Fails { why });
    assert_eq!(stage.plan().refusals, [], "kept from before");
    assert_not_signed(&stage, "cannot check for updates today: it hangs");
}

#[test]
fn the_wrong_digest() {
    let stage = Stage::new();
    for what in ["rules", "census", "repository", "boards"] {
        edited(&stage, |plan| plan["read"][what] = json!("0".repeat(64)));
        assert_not_signed(&stage, &format!("read.{what} differ"));
    }
}

#[test]
fn a_line_added() {
    let stage = Stage::new();
    edited(&stage, |plan| plan["approved"] = json!(true));
    assert_not_signed(&stage, "approved differ");
}

#[test]
fn a_line_taken_out() {
    let stage = Stage::new();
    for line in ["read", "terms", "manifest", "impact", "paces", "recoveries"] {
        edited(&stage, |plan| {
            plan.as_object_mut().unwrap().remove(line).unwrap();
        });
        assert_not_signed(&stage, &format!("{line} differ"));
    }
}

#[test]
fn a_manifest_hidden_behind_the_one_that_was_reviewed() {
    let stage = Stage::new();
    let reviewed = stage.plan().manifest;
    let text = fs::read_to_string(stage.plan_path()).unwrap();
    // A key that comes twice: whichever a reader takes, what is signed does not come from there.
    let hidden = text.replacen(
        '{',
        "{ \"manifest\": { \"revision\": 7, \"rules\": [] },",
        1,
    );
    fs::write(stage.plan_path(), hidden).unwrap();
    stage.apply().unwrap();
    let signed = stage.state().enforcement(&stage.folder()).unwrap();
    assert_eq!(signed, Some(reviewed));
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
    edited(&stage, |plan| {
        plan["kind"] = json!("firstlayer-enforcement-plan-2")
    });
    assert_not_signed(&stage, "is no plan of this program");
}
