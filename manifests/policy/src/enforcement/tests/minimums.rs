//! Minimums follow from what releases were measured to do.

use super::*;

/// The minimum on stable for the first-mini, if there is one.
fn minimum(releases: Vec<Release>) -> Option<String> {
    let (derived, uncovered) = rules("").derive(&[manifest(releases)]);
    let found = derived[0].minimums.first().map(|m| m.version.to_string());
    assert_eq!(found.is_none(), !uncovered.is_empty());
    found
}

fn can(text: &str) -> Release {
    measured(text, 1, &[HTTPS])
}

fn cannot(text: &str) -> Release {
    measured(text, 1, &["lan-mqtts"])
}

#[test]
fn the_lowest_from_which_every_later_one_has_it() {
    assert_eq!(minimum(story().releases().to_vec()), Some("1.4.0".into()));
    let lost_in_between = vec![can("1.0.0"), cannot("1.1.0"), can("1.2.0"), can("1.3.0")];
    assert_eq!(minimum(lost_in_between), Some("1.2.0".into()));
}

#[test]
fn a_newest_release_without_it_leaves_nobody_covered() {
    assert_eq!(minimum(vec![can("1.0.0"), cannot("1.1.0")]), None);
}

#[test]
fn yanked_releases_neither_break_the_row_nor_begin_it_alone() {
    let gap = vec![can("1.0.0"), yanked(cannot("1.1.0")), can("1.2.0")];
    assert_eq!(minimum(gap), Some("1.0.0".into()));
    let below = vec![cannot("1.0.0"), yanked(can("1.1.0")), can("1.2.0")];
    assert_eq!(minimum(below), Some("1.1.0".into()));
    assert_eq!(minimum(vec![cannot("1.0.0"), yanked(can("1.1.0"))]), None);
}

#[test]
fn a_release_that_was_not_measured_claims_nothing() {
    let unmeasured = crate::testing::release("1.1.0", 1);
    assert_eq!(minimum(vec![can("1.0.0"), unmeasured]), None);
}

#[test]
fn every_board_of_a_version_must_have_it() {
    let mut other = cannot("1.1.0");
    other.board = "virt-aarch64".parse().unwrap();
    other.bundle.target = "stable-1.1.0-virt-aarch64.bundle".into();
    other.evidence.as_mut().unwrap().target = "stable-1.1.0-virt-aarch64.evidence.json".into();
    assert_eq!(
        minimum(vec![can("1.0.0"), can("1.1.0"), other.clone()]),
        None
    );
    assert_eq!(
        minimum(vec![can("1.0.0"), can("1.1.0"), yanked(other)]),
        Some("1.0.0".into())
    );
}

#[test]
fn a_scope_leaves_out_other_models_and_channels() {
    let text = RULES.replace("warn_from", "models = [\"first-one\"]\nwarn_from");
    let (derived, uncovered) = Rules::parse(&text).unwrap().derive(&[story()]);
    assert!(derived[0].minimums.is_empty() && uncovered.is_empty());
    let text = RULES.replace("warn_from", "channels = [\"beta\"]\nwarn_from");
    let (derived, _) = Rules::parse(&text).unwrap().derive(&[story()]);
    assert!(derived[0].minimums.is_empty());
}
