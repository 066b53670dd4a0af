//! Documents and rule files: what is written is read, and what cannot be meant is refused.

use super::*;
use crate::PolicyError;

#[test]
fn a_manifest_survives_its_document() {
    let manifest = enforced(&rules(""), &[story()]);
    let bytes = manifest.to_bytes().unwrap();
    assert_eq!(EnforcementManifest::parse(&bytes).unwrap(), manifest);
}

#[test]
fn fields_from_the_future_are_ignored_and_formats_are_not() {
    let manifest = enforced(&rules(""), &[story()]);
    let mut value: serde_json::Value =
        serde_json::from_slice(&manifest.to_bytes().unwrap()).unwrap();
    value["signed_by"] = "x".into();
    value["rules"][0]["colour"] = "red".into();
    value["rules"][0]["minimums"][0]["region"] = "eu".into();
    let bytes = serde_json::to_vec(&value).unwrap();
    assert_eq!(EnforcementManifest::parse(&bytes).unwrap(), manifest);
    let next = br#"{"format": 2, "rules": 7}"#;
    assert!(matches!(
        EnforcementManifest::parse(next),
        Err(PolicyError::UnknownFormat { found: 2, known: 1 })
    ));
}

#[test]
fn a_rule_that_withholds_updates_is_refused_wherever_it_is_read() {
    for feature in ["update", "updates", "firmware-update", "upgrade"] {
        let text = RULES.replace("cloud-print", feature);
        let refused = Rules::parse(&text).unwrap_err();
        assert!(matches!(refused, PolicyError::Rules(_)));
        let bytes = enforced(&rules(""), &[story()]).to_bytes().unwrap();
        let text = String::from_utf8(bytes)
            .unwrap()
            .replace("cloud-print", feature);
        assert!(EnforcementManifest::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn rules_that_cannot_be_meant_are_refused_with_their_name() {
    let twice = format!("{RULES}{RULES}");
    let cases = [
        (RULES.replace("2026-08-25", "2026-12-25"), "warns"),
        (RULES.replace("https://help", "http://help"), "https://"),
        (
            RULES.replace("model files travel over HTTPS only", " "),
            "reason is empty",
        ),
        (RULES.replace("only\"", "only\\u001b[2J\""), "control"),
        (
            RULES.replace("only\"", &format!("{}\"", "x".repeat(1100))),
            "longer",
        ),
        (twice, "twice"),
        (
            format!("{RULES}[[rules.exemptions]]\nuntil = \"2027-01-01T00:00:00Z\"\nwhy = \"x\""),
            "neither",
        ),
    ];
    for (text, what) in cases {
        let refused = Rules::parse(&text).unwrap_err().to_string();
        assert!(
            refused.contains(what) && refused.contains("https-files"),
            "{refused}"
        );
    }
    let unknown = Rules::parse(&RULES.replace("help =", "hepl =")).unwrap_err();
    assert!(matches!(unknown, PolicyError::Rules(_)));
}

#[test]
fn a_manifest_with_a_minimum_typed_twice_is_refused() {
    let mut derived = rules("").derive(&[story()]).0;
    let twice = derived[0].minimums[0].clone();
    derived[0].minimums.push(twice);
    assert!(EnforcementManifest::new(1, derived, vec![]).is_err());
}
