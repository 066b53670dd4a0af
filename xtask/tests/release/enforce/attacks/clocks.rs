//! Plans that are too old or from the future, and clocks that are set.

use std::fs;

use serde_json::{Value, json};

use super::super::stage::{ENFORCE, Stage};
use super::assert_not_signed;

const TOO_OLD: &str = "older than a week, or from the future";

/// A plan whose time was edited.
fn dated(stage: &Stage, time: &str) {
    stage.plan();
    let path = stage.plan_path();
    let mut plan: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    plan["as_of"] = json!(time);
    fs::write(path, plan.to_string()).unwrap();
}

#[test]
fn an_expired_plan() {
    let mut stage = Stage::new();
    stage.workshop.now = "2026-05-31T00:00:00Z".parse().unwrap();
    stage.plan();
    stage.workshop.now = "2026-06-07T00:00:01Z".parse().unwrap();
    assert_not_signed(&stage, TOO_OLD);
    stage.workshop.now = "2026-06-07T00:00:00Z".parse().unwrap();
    assert!(stage.apply().unwrap().changed, "just in time");
}

#[test]
fn an_expired_plan_dated_anew() {
    let mut stage = Stage::new();
    stage.workshop.now = "2026-05-20T00:00:00Z".parse().unwrap();
    dated(&stage, "2026-06-01T00:00:00Z");
    stage.workshop.now = "2026-06-01T00:00:00Z".parse().unwrap();
    // Other printers count as silent, more weeks have passed, and fewer are left.
    assert_not_signed(&stage, "impact.");
}

#[test]
fn a_plan_from_the_future() {
    let mut stage = Stage::new();
    stage.plan();
    stage.workshop.now = "2026-05-31T23:00:00Z".parse().unwrap();
    assert_not_signed(&stage, TOO_OLD);
}

#[test]
fn a_plan_of_no_time() {
    let stage = Stage::new();
    for time in ["2026-05-01T00:00:00Z", "2026-06-02T00:00:00Z", "soon", ""] {
        dated(&stage, time);
        assert_not_signed(&stage, TOO_OLD);
    }
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
fn a_clock_set_back_to_lengthen_the_notice() {
    let mut stage = Stage::new();
    stage.rules("2026-04-15T00:00:00Z", ENFORCE);
    // The clock stands before the time at which 1.4.0 was built.
    stage.workshop.now = "2026-04-10T00:00:00Z".parse().unwrap();
    let error = format!("{:#}", stage.try_plan().unwrap_err());
    assert!(error.contains("1.4.0 was built at 2026-05-01"), "{error}");
    stage.workshop.now = "2026-06-01T00:00:00Z".parse().unwrap();
    stage.plan();
    stage.workshop.now = "2026-04-10T00:00:00Z".parse().unwrap();
    assert_not_signed(&stage, "set the clock");
}

#[test]
fn a_clock_set_forward_past_what_is_signed() {
    let mut stage = Stage::new();
    stage.plan();
    stage.workshop.now = "2026-07-01T00:00:00Z".parse().unwrap();
    assert_not_signed(&stage, "a printer that comes now would refuse");
}
