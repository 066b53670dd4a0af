//! A gate that starts again goes on from what it accepted, verified anew, and from nothing else.

use std::fs;

use crate::repository::{Repository, releases, rule};
use crate::rules::{PAST, Rules, opened};

fn rules() -> Rules {
    let mut rules = Rules::new(Repository::with_rule(&releases(), PAST));
    rules.refresh().unwrap();
    rules
}

#[test]
fn a_restart_without_the_repository_goes_on_with_the_rules() {
    let mut rules = rules();
    rules.keeper = opened(&rules.repository, &rules.state);
    assert_eq!(rules.revision(), Some(1));
    let in_force = rules.keeper.standing().in_force().unwrap();
    assert_eq!(in_force.accepted().to_string(), "2030-01-01T00:00:00Z");
}

#[test]
fn a_restart_after_refused_rules_goes_on_with_the_last_good_ones() {
    let mut rules = rules();
    rules
        .repository
        .set_rules(2, &rule("2031-01-01T00:00:00Z"), Vec::new());
    rules.repository.publish();
    // By now the trusted metadata on the disk names the refused document.
    rules.refresh().unwrap_err();
    rules.keeper = opened(&rules.repository, &rules.state);
    assert_eq!(rules.revision(), Some(1));
    rules.refresh().unwrap_err();
    assert_eq!(rules.revision(), Some(1));
}

#[test]
fn a_restart_does_not_forget_what_was_seen_of_later_metadata() {
    let mut rules = rules();
    let recorded = rules.repository.recorded();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules.keeper = opened(&rules.repository, &rules.state);
    rules.repository.play_back(&recorded);
    rules.refresh().unwrap_err();
    assert_eq!(rules.revision(), Some(2));
    assert!(
        rules.alarm().contains("rolls timestamp back"),
        "{}",
        rules.alarm()
    );
}

#[test]
fn a_rotated_root_is_followed_and_kept() {
    let mut rules = rules();
    rules.repository.root_version = 2;
    rules.repository.publish_root();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules.keeper = opened(&rules.repository, &rules.state);
    assert_eq!((rules.revision(), rules.alarm()), (Some(2), String::new()));
}

#[test]
fn what_was_changed_on_the_disk_is_not_in_force() {
    let mut rules = rules();
    let kept = rules.state.path().join("accepted.json");
    let text = fs::read_to_string(&kept).unwrap();
    for (old, new) in [("https-transfer", "https-trensfer"), ("{", "")] {
        fs::write(&kept, text.replacen(old, new, 1)).unwrap();
        rules.keeper = opened(&rules.repository, &rules.state);
        assert_eq!(rules.revision(), None, "{new}");
        assert!(!rules.alarm().is_empty());
    }
    rules.refresh().unwrap();
    assert_eq!((rules.revision(), rules.alarm()), (Some(1), String::new()));
}
