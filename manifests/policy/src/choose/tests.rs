//! The rules one by one, then properties over any channel and printer.

mod waves;
mod wishes;

use firstlayer_bundle::{Counter, Sha256};
use proptest::prelude::*;
use semver::Version;

use super::*;
use crate::testing::{manifest, release, version};

fn printer(running: &str, counter: u64) -> Printer {
    Printer {
        board: "virt-armv7".parse().unwrap(),
        model: "first-mini".parse().unwrap(),
        version: version(running),
        counter: Counter::new(counter).unwrap(),
        refused: Vec::new(),
        wishes: Wishes::default(),
        serial: None,
        now: Timestamp::UNIX_EPOCH,
    }
}

fn chosen(decision: &Decision<'_>) -> Option<Version> {
    match decision.choice {
        Choice::Install(release) => Some(release.version.clone()),
        _ => None,
    }
}

fn reasons<'a>(decision: &'a Decision<'_>, of: &str) -> &'a [Reason] {
    let passed = decision
        .passed_over
        .iter()
        .find(|other| other.release.version == version(of));
    &passed.unwrap().reasons
}

#[test]
fn the_newest_release_wins_and_the_older_ones_say_why_not() {
    let channel = manifest(vec![
        release("1.0.0", 1),
        release("1.1.0", 2),
        release("1.2.0", 2),
    ]);
    let decision = choose(&channel, &printer("1.0.0", 1));
    assert_eq!(chosen(&decision), Some(version("1.2.0")));
    assert_eq!(reasons(&decision, "1.0.0"), [Reason::NotNewer]);
    assert_eq!(reasons(&decision, "1.1.0"), [Reason::Older]);
}

#[test]
fn a_yanked_release_is_passed_over_with_its_reason() {
    let mut bad = release("1.2.0", 2);
    bad.yanked = Some("the nozzle overheats".to_owned());
    let channel = manifest(vec![release("1.0.0", 1), bad]);
    let decision = choose(&channel, &printer("1.0.0", 1));
    assert_eq!(decision.choice, Choice::UpToDate);
    assert_eq!(
        reasons(&decision, "1.2.0"),
        [Reason::Yanked {
            why: "the nozzle overheats".to_owned()
        }]
    );
}

#[test]
fn a_floor_sends_the_printer_over_a_stepping_stone() {
    let mut newest = release("3.0.0", 3);
    newest.floor = Some(version("2.0.0"));
    let channel = manifest(vec![release("2.0.0", 2), newest]);
    let decision = choose(&channel, &printer("1.0.0", 1));
    assert_eq!(chosen(&decision), Some(version("2.0.0")));
    assert_eq!(
        reasons(&decision, "3.0.0"),
        [Reason::BelowFloor {
            floor: version("2.0.0")
        }]
    );
    let steps: Vec<_> = path(&channel, &printer("1.0.0", 1))
        .iter()
        .map(|step| step.version.to_string())
        .collect();
    assert_eq!(steps, ["2.0.0", "3.0.0"]);
}

#[test]
fn a_floor_with_no_stepping_stone_fits_nothing() {
    let mut newest = release("3.0.0", 3);
    newest.floor = Some(version("2.0.0"));
    let channel = manifest(vec![newest]);
    assert_eq!(
        choose(&channel, &printer("1.0.0", 1)).choice,
        Choice::NothingFits
    );
}

#[test]
fn a_lower_counter_is_a_rollback_whatever_its_version() {
    let channel = manifest(vec![release("9.0.0", 4)]);
    let decision = choose(&channel, &printer("1.0.0", 5));
    assert_eq!(decision.choice, Choice::NothingFits);
    assert_eq!(
        reasons(&decision, "9.0.0"),
        [Reason::LowerCounter {
            printer: Counter::new(5).unwrap()
        }]
    );
}

#[test]
fn a_release_for_another_model_does_not_fit() {
    let mut other = release("2.0.0", 2);
    other.models = vec!["first-huge".parse().unwrap()];
    let channel = manifest(vec![other]);
    let decision = choose(&channel, &printer("1.0.0", 1));
    assert_eq!(decision.choice, Choice::NothingFits);
    assert_eq!(reasons(&decision, "2.0.0"), [Reason::OtherModel]);
}

#[test]
fn another_boards_releases_do_not_clutter_the_reasons() {
    let mut other = release("2.0.0", 2);
    other.board = "virt-aarch64".parse().unwrap();
    other.bundle.target = "stable-2.0.0-virt-aarch64.bundle".to_owned();
    let channel = manifest(vec![other]);
    let decision = choose(&channel, &printer("1.0.0", 1));
    assert_eq!(
        decision,
        Decision {
            choice: Choice::NothingFits,
            passed_over: Vec::new()
        }
    );
}

#[test]
fn a_release_remembered_as_bad_is_not_tried_again() {
    let channel = manifest(vec![release("1.1.0", 1), release("1.2.0", 1)]);
    let mut printer = printer("1.0.0", 1);
    printer.refused = vec![release("1.2.0", 1).bundle.sha256];
    let decision = choose(&channel, &printer);
    assert_eq!(chosen(&decision), Some(version("1.1.0")));
    assert_eq!(reasons(&decision, "1.2.0"), [Reason::RememberedAsBad]);
}

#[test]
fn a_prerelease_is_older_than_its_release() {
    let channel = manifest(vec![release("1.1.0-rc.1", 1), release("1.1.0", 1)]);
    assert_eq!(
        chosen(&choose(&channel, &printer("1.1.0-rc.1", 1))),
        Some(version("1.1.0"))
    );
}

prop_compose! {
    fn any_release()(minor in 0u64..12, counter in 0u64..6, floor in proptest::option::of(0u64..12),
                     yanked in any::<bool>(), other_model in proptest::bool::weighted(0.2)) -> Release {
        let mut release = release(&format!("1.{minor}.0"), counter);
        release.floor = floor.filter(|floor| *floor <= minor).map(|floor| version(&format!("1.{floor}.0")));
        release.yanked = yanked.then(|| "a reason".to_owned());
        if other_model { release.models = vec!["first-huge".parse().unwrap()]; }
        release
    }
}

prop_compose! {
    fn any_channel()(mut releases in proptest::collection::vec(any_release(), 0..10)) -> ChannelManifest {
        releases.sort_by(|a, b| a.version.cmp(&b.version));
        releases.dedup_by(|a, b| a.version == b.version);
        let mut counter = Counter::default();
        for release in &mut releases {
            counter = counter.max(release.counter);
            release.counter = counter;
        }
        manifest(releases)
    }
}

prop_compose! {
    fn any_printer()(minor in 0u64..12, counter in 0u64..6, refused in proptest::collection::vec(0u64..12, 0..3))
        -> Printer {
        let hash = |minor: u64| -> Sha256 { release(&format!("1.{minor}.0"), 0).bundle.sha256 };
        Printer { refused: refused.into_iter().map(hash).collect(), ..printer(&format!("1.{minor}.0"), counter) }
    }
}

/// Whether the printer can get to `goal` at all, by any steps: the slow and certain search.
fn reachable(channel: &ChannelManifest, printer: &Printer, goal: &Version) -> bool {
    channel
        .releases()
        .iter()
        .filter(|release| reasons_against(release, printer).is_empty())
        .any(|step| {
            let stepped = Printer {
                version: step.version.clone(),
                counter: step.counter,
                ..printer.clone()
            };
            &step.version == goal || reachable(channel, &stepped, goal)
        })
}

proptest! {
    #[test]
    fn what_is_chosen_breaks_no_rule(channel in any_channel(), printer in any_printer()) {
        if let Choice::Install(release) = choose(&channel, &printer).choice {
            prop_assert!(release.version > printer.version);
            prop_assert!(release.counter >= printer.counter);
            prop_assert!(release.floor.as_ref().is_none_or(|floor| floor <= &printer.version));
            prop_assert!(release.yanked.is_none());
            prop_assert!(release.board == printer.board && release.models.contains(&printer.model));
            prop_assert!(!printer.refused.contains(&release.bundle.sha256));
        }
    }

    #[test]
    fn every_release_is_chosen_or_has_a_reason(channel in any_channel(), printer in any_printer()) {
        let decision = choose(&channel, &printer);
        let chosen = usize::from(matches!(decision.choice, Choice::Install(_)));
        prop_assert_eq!(decision.passed_over.len() + chosen, channel.releases().len());
        prop_assert!(decision.passed_over.iter().all(|other| !other.reasons.is_empty()));
    }

    #[test]
    fn the_newest_step_each_time_reaches_all_that_can_be_reached(channel in any_channel(), printer in any_printer()) {
        let steps = path(&channel, &printer);
        let newest = channel.releases().iter().rev().find(|goal| reachable(&channel, &printer, &goal.version));
        prop_assert_eq!(steps.last().map(|step| &step.version), newest.map(|goal| &goal.version));
    }
}
