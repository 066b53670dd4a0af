//! One manifest after the other: nothing is loosened in silence.

use super::*;
use crate::PolicyError;

fn at(revision: u64, rules: &Rules, relaxations: Vec<Relaxation>) -> EnforcementManifest {
    EnforcementManifest::new(revision, rules.derive(&[story()]).0, relaxations).unwrap()
}

fn told(revision: u64) -> Relaxation {
    Relaxation {
        rule: "https-files".parse().unwrap(),
        revision,
        why: "1.4 was yanked".to_owned(),
    }
}

fn edited(from: &str, to: &str) -> Rules {
    Rules::parse(&RULES.replace(from, to)).unwrap()
}

#[test]
fn a_replayed_manifest_is_refused_and_the_same_one_is_not() {
    let (old, new) = (at(1, &rules(""), vec![]), at(2, &rules(""), vec![]));
    assert!(new.check_follows(&old).is_ok() && new.check_follows(&new).is_ok());
    assert!(matches!(
        old.check_follows(&new),
        Err(PolicyError::Rollback { found: 1, known: 2 })
    ));
    let another = at(2, &edited("travel", "go"), vec![]);
    assert!(matches!(
        another.check_follows(&new),
        Err(PolicyError::Rollback { .. })
    ));
}

#[test]
fn each_silent_loosening_is_refused_and_one_that_is_told_of_passes() {
    let strict = edited("warn_from", "signed_reports = true\nwarn_from");
    let before = at(3, &strict, vec![]);
    let exempting = format!(
        "{}\n[[rules.exemptions]]\nmodels = [\"first-mini\"]\nuntil = \"2027-01-01T00:00:00Z\"\nwhy = \"late\"",
        RULES.replace("warn_from", "signed_reports = true\nwarn_from")
    );
    let signed = |from: &str, to: &str| {
        Rules::parse(
            &RULES
                .replace("warn_from", "signed_reports = true\nwarn_from")
                .replace(from, to),
        )
        .unwrap()
    };
    for (what, looser) in [
        ("is gone", Rules::parse("").unwrap()),
        ("later", signed("2026-11-25", "2027-11-25")),
        ("signed", rules("")),
        ("requires", signed(HTTPS, "lan-mqtts")),
        ("withholds", signed("cloud-print", "timelapse")),
        ("spares", Rules::parse(&exempting).unwrap()),
        (
            "falls",
            signed("reason", "models = [\"first-one\"]\nreason"),
        ),
    ] {
        let silent = at(4, &looser, vec![]);
        let refused = silent.check_follows(&before).unwrap_err().to_string();
        assert!(refused.contains(what), "{what}: {refused}");
        let loud = at(4, &looser, vec![told(4)]);
        assert!(loud.check_follows(&before).is_ok(), "{what}");
        // What was told of long ago, or is told of a rule to come, excuses nothing.
        for stale in [told(3), told(5)] {
            assert!(at(4, &looser, vec![stale]).check_follows(&before).is_err());
        }
    }
}

#[test]
fn a_gate_that_missed_a_revision_still_learns_of_its_relaxation() {
    let (first, none) = (at(1, &rules(""), vec![]), Rules::parse("").unwrap());
    let third = at(3, &none, vec![told(2)]);
    assert!(third.check_follows(&first).is_ok());
}

#[test]
fn what_gets_stricter_needs_no_word() {
    let before = at(1, &rules(""), vec![]);
    let stricter = edited("2026-11-25", "2026-10-25");
    assert!(at(2, &stricter, vec![]).check_follows(&before).is_ok());
}
