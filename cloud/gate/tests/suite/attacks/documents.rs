//! Documents that are signed as they must be, and must not come into force all the same; and those that are changed.

use std::fs;

use firstlayer_policy::Relaxation;

use crate::repository::{release, releases, rule};
use crate::rules::{PAST, Rules};

#[test]
fn rules_rolled_back_under_fresh_signatures_are_refused() {
    let mut rules = Rules::good();
    let first = rules.repository.documents["enforcement.json"].clone();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules
        .repository
        .set_document("enforcement.json", "enforcement", first);
    rules.repository.publish();
    rules.refresh().unwrap_err();
    assert!(
        rules.alarm().contains("2 was accepted before"),
        "{}",
        rules.alarm()
    );
    assert_eq!(rules.revision(), Some(2));
}

#[test]
fn rules_loosened_silently_are_refused_and_said_aloud_accepted() {
    let mut rules = Rules::good();
    rules
        .repository
        .set_rules(2, &rule("2031-01-01T00:00:00Z"), Vec::new());
    rules.repository.publish();
    rules.refuses("without saying so");
    let said = Relaxation {
        rule: "https-only".parse().unwrap(),
        revision: 3,
        why: "the last wave is late".to_owned(),
    };
    rules
        .repository
        .set_rules(3, &rule("2031-01-01T00:00:00Z"), vec![said]);
    rules.repository.publish();
    rules.refresh().unwrap();
    assert_eq!((rules.revision(), rules.alarm()), (Some(3), String::new()));
}

/// Whoever holds the enforcement keys for a moment cannot quietly let firmware in again.
#[test]
fn a_minimum_lowered_silently_is_refused() {
    let mut rules = Rules::good();
    let mut releases = releases();
    releases.insert(1, release("1.3.0", &["https-transfer"]));
    rules.repository.set_stable(&releases);
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refuses("the minimum of first-mini on stable falls from 1.4.0 to 1.3.0");
}

#[test]
fn a_rule_that_withholds_updates_is_refused_whoever_signs_it() {
    let mut rules = Rules::good();
    for feature in ["update", "software-update", "firmware-upgrade"] {
        let document = String::from_utf8(rules.repository.documents["enforcement.json"].clone());
        let document = document
            .unwrap()
            .replace("\"cloud-print\"", &format!("\"{feature}\""));
        rules
            .repository
            .set_document("enforcement.json", "enforcement", document.into_bytes());
        rules.repository.publish();
        rules.refuses("updates are never withheld");
        rules.repository.set_rules(1, &rule(PAST), Vec::new());
    }
}

#[test]
fn rules_of_a_format_from_the_future_are_refused() {
    let mut rules = Rules::good();
    let document = br#"{"format": 2, "revision": 9, "rules": "none that this gate understands"}"#;
    rules
        .repository
        .set_document("enforcement.json", "enforcement", document.to_vec());
    rules.repository.publish();
    rules.refuses("enforcement.json is refused");
}

#[test]
fn a_document_that_does_not_end_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    let mut endless = rules.repository.documents["enforcement.json"].clone();
    endless.extend(vec![b' '; 16 << 20]);
    for entry in fs::read_dir(rules.repository.folder.path().join("targets")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".enforcement.json") {
            fs::write(path, &endless).unwrap();
        }
    }
    rules.refuses("is not what is signed");
}

#[test]
fn rules_or_a_channel_that_vanish_are_refused() {
    for document in ["enforcement.json", "stable.json"] {
        let mut rules = Rules::good();
        rules.repository.remove_document(document);
        rules.repository.publish();
        rules.refuses(&format!("{document} is gone"));
    }
}

#[test]
fn a_document_changed_on_the_way_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    let targets = rules.repository.folder.path().join("targets");
    for entry in fs::read_dir(targets).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("https-transfer", "https-trensfer")).unwrap();
    }
    rules.refuses("is not what is signed");
}
