//! Every attack on the metadata leaves the last good rules in force, with an alarm that says why.

mod documents;

use std::fs;

use crate::repository::{Repository, releases, rule};
use crate::rules::{PAST, Rules};

#[test]
fn a_repository_played_back_is_refused() {
    let mut rules = Rules::new(Repository::new(&releases()));
    let recorded = rules.repository.recorded();
    rules.repository.set_rules(1, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules.repository.play_back(&recorded);
    rules.refuses("rolls timestamp back");
}

#[test]
fn expired_metadata_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.timestamp_expires = "2029-12-31T00:00:00Z";
    rules.repository.publish();
    rules.refuses("expired on 2029-12-31");
}

#[test]
fn rules_signed_by_the_wrong_role_are_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .named_by
        .insert("enforcement.json".to_owned(), "stable");
    rules.repository.publish();
    rules.refuses("signed by the role stable, and must be by enforcement");
}

#[test]
fn rules_signed_by_too_few_are_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .signers
        .insert("enforcement", vec!["enforcement-1"]);
    rules.repository.publish();
    rules.refuses("1 of the 2 valid signatures");
}

#[test]
fn rules_signed_by_keys_of_another_role_are_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .signers
        .insert("enforcement", vec!["stable-1", "stable-2"]);
    rules.repository.publish();
    rules.refuses("0 of the 2 valid signatures");
}

#[test]
fn one_key_that_signs_twice_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .signers
        .insert("enforcement", vec!["enforcement-1", "enforcement-1"]);
    rules.repository.publish();
    rules.refuses("two signatures of key");
}

#[test]
fn old_rules_mixed_under_a_new_timestamp_are_refused() {
    let mut rules = Rules::good();
    let recorded = rules.repository.recorded();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    for (name, bytes) in &recorded {
        if let Some(role) = name.strip_suffix("2.enforcement.json") {
            let newer = format!("{role}3.enforcement.json");
            fs::write(rules.repository.folder.path().join(newer), bytes).unwrap();
        }
    }
    rules.refuses("enforcement.json fails its signed hashes");
}
