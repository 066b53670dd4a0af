//! Rules that come, stay, and are told of.

use firstlayer_gate::metadata::Change;

use crate::repository::{FAR, Repository, releases, rule};
use crate::rules::{PAST, Rules, at};

#[test]
fn honest_rules_come_into_force_and_the_same_again_change_nothing() {
    let mut rules = Rules::good();
    assert_eq!((rules.revision(), rules.alarm()), (Some(1), String::new()));
    assert_eq!(rules.refresh().unwrap(), Change::Same);
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    assert_eq!(rules.refresh().unwrap(), Change::New);
    assert_eq!(rules.revision(), Some(2));
}

#[test]
fn no_rules_at_all_are_an_empty_set() {
    let mut rules = Rules::new(Repository::new(&releases()));
    assert_eq!(rules.revision(), None);
    rules.refresh().unwrap();
    assert_eq!(rules.revision(), Some(0));
    rules.repository.set_rules(1, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    assert_eq!(rules.revision(), Some(1));
}

#[test]
fn an_outage_keeps_the_rules_and_ends_the_alarm_when_it_ends() {
    let mut rules = Rules::good();
    let recorded = rules.repository.recorded();
    rules.repository.play_back(&Default::default());
    rules.refuses("timestamp.json");
    rules.repository.play_back(&recorded);
    rules.refresh().unwrap();
    assert_eq!((rules.revision(), rules.alarm()), (Some(1), String::new()));
}

#[test]
fn a_deadline_that_passes_after_the_metadata_expired_is_not_enforced() {
    let mut repository = Repository::new(&releases());
    repository.set_rules(1, &rule("2031-01-01T00:00:00Z"), Vec::new());
    repository.timestamp_expires = "2030-06-01T00:00:00Z";
    repository.publish();
    let mut rules = Rules::new(repository);
    rules.refresh().unwrap();
    let standing = rules.keeper.standing();
    let in_force = standing.in_force().unwrap();
    let later = at("2032-01-01T00:00:00Z");
    assert_eq!(in_force.judged_at(later), at("2030-06-01T00:00:00Z"));
    assert_eq!(
        in_force.judged_at(at("2030-02-01T00:00:00Z")),
        at("2030-02-01T00:00:00Z")
    );
    assert_eq!(standing.alarm(at("2030-02-01T00:00:00Z")), None);
    assert!(standing.alarm(later).unwrap().why.contains("expired"));
}

#[test]
fn the_first_failure_says_since_when() {
    let mut rules = Rules::good();
    rules.repository.play_back(&Default::default());
    for hour in ["01", "02"] {
        let now = at(&format!("2030-01-01T{hour}:00:00Z"));
        rules.keeper.refresh(now).unwrap_err();
    }
    let alarm = rules.keeper.standing().alarm(at(FAR)).unwrap();
    assert_eq!(alarm.since, at("2030-01-01T01:00:00Z"));
}
