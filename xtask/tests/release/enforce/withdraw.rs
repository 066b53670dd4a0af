//! Taking rules back.

use super::stage::{ENFORCE, RULE, Stage};

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
