//! Help texts and reports, as people see them.

use std::fs;

use super::stage::Stage;
use crate::configuration::run;

#[test]
fn help_texts() {
    let stage = Stage::new();
    let verbs = ["plan", "apply", "status", "withdraw"];
    let mut texts = vec![run(&stage.workshop, &["enforce", "--help"])];
    let verbs = verbs.iter();
    texts.extend(verbs.map(|verb| run(&stage.workshop, &["enforce", verb, "--help"])));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn reports() {
    let mut stage = Stage::new();
    let passed = stage.try_plan().unwrap().to_string();
    let applied = stage.apply().unwrap().to_string();
    let in_force = stage.status().to_string();
    let nothing_new = stage.apply().map(|applied| applied.to_string());
    assert!(nothing_new.is_err(), "the repository has moved on since");
    stage.rules("2026-06-15T00:00:00Z", "2026-09-01T00:00:00Z");
    stage.terms.max_lockout = "0".parse().unwrap();
    let refused = stage.try_plan().unwrap().to_string();
    let withdrawn = stage.withdraw("1.4.0 fails", None).unwrap().to_string();
    let texts = [
        passed,
        applied,
        in_force,
        refused,
        withdrawn,
        stage.status().to_string(),
    ];
    let text = texts
        .join("\n")
        .replace(stage.workshop.root.as_str(), "CHECKOUT");
    insta::assert_snapshot!(text);
}

#[test]
fn json_is_the_same_value_and_the_file_is_the_plan() {
    let stage = Stage::new();
    let report = stage.try_plan().unwrap();
    let mut printed = serde_json::to_value(&report).unwrap();
    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(&report.written).unwrap()).unwrap();
    let printed = printed.as_object_mut().unwrap();
    printed.remove("written");
    printed.remove("page");
    assert_eq!(*printed, *written.as_object().unwrap());
}

#[test]
fn the_page_is_whole_by_itself_and_says_what_the_plan_says() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    let why = "<img src=x onerror=alert(1)>".to_owned();
    let outcomes = &mut stage.trial.outcomes;
    outcomes.insert("1.2.0".to_owned(), xtask::enforce::Tried::Fails { why });
    let plan = stage.plan();
    let page = fs::read_to_string(stage.workshop.root.join("plan.html")).unwrap();
    for foreign in ["<script", "src=\"", "href=", "url(", "@import", "<img"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for part in [
        "prefers-color-scheme",
        "width=device-width",
        "<polyline",
        "It is refused",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(plan.refusals.len(), 2);
    let bars = page.matches("class=\"bar\"").count();
    assert_eq!(
        bars,
        1 + 1 + 2 + 1 + 2 + 4 + 3,
        "all, rule, models, channel, regions, seen, versions"
    );
}
