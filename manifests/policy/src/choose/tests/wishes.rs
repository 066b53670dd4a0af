//! What owners want: skipped, postponed, or asked for by name.

use proptest::prelude::*;

use super::*;

fn wishing(running: &str, wishes: Wishes) -> Printer {
    Printer {
        wishes,
        ..printer(running, 1)
    }
}

fn asking(running: &str, wanted: &str) -> Printer {
    let wishes = Wishes {
        version: Some(version(wanted)),
        ..Wishes::default()
    };
    wishing(running, wishes)
}

fn skipping(running: &str, skipped: &[&str]) -> Printer {
    let wishes = Wishes {
        skipped: skipped.iter().map(|text| version(text)).collect(),
        ..Wishes::default()
    };
    wishing(running, wishes)
}

fn until() -> Timestamp {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

/// 1.0.0 and 1.1.0 with counter 1; 1.2.0, which closed a hole, with 2.
fn channel() -> ChannelManifest {
    manifest(vec![
        release("1.0.0", 1),
        release("1.1.0", 1),
        release("1.2.0", 2),
    ])
}

#[test]
fn a_skipped_release_gives_way_to_the_next_best() {
    let channel = channel();
    let decision = choose(&channel, &skipping("1.0.0", &["1.2.0"]));
    assert_eq!(chosen(&decision), Some(version("1.1.0")));
    assert_eq!(reasons(&decision, "1.2.0"), [Reason::Skipped]);
}

#[test]
fn where_everything_is_skipped_the_owner_declined_and_is_not_up_to_date() {
    let channel = channel();
    let decision = choose(&channel, &skipping("1.1.0", &["1.2.0", "9.9.9"]));
    assert_eq!(decision.choice, Choice::Declined);
    let nothing_new = choose(&channel, &skipping("1.2.0", &["1.1.0"]));
    assert_eq!(nothing_new.choice, Choice::UpToDate);
    assert_eq!(reasons(&nothing_new, "1.1.0"), [Reason::NotNewer]);
}

#[test]
fn a_postponed_printer_is_offered_nothing_and_is_told_until_when() {
    let channel = channel();
    let wishes = Wishes {
        postponed_until: Some(until()),
        ..Wishes::default()
    };
    let decision = choose(&channel, &wishing("1.1.0", wishes));
    assert_eq!(decision.choice, Choice::Declined);
    let postponed = Reason::Postponed { until: until() };
    assert_eq!(
        postponed.to_string(),
        "the owner postponed updates until 2026-07-01T00:00:00Z"
    );
    assert_eq!(reasons(&decision, "1.2.0"), [postponed]);
    assert_eq!(reasons(&decision, "1.0.0"), [Reason::NotNewer]);
}

#[test]
fn a_version_that_is_asked_for_need_not_be_the_newest_nor_newer() {
    let channel = channel();
    for (running, wanted) in [("1.0.0", "1.1.0"), ("1.1.0", "1.0.0"), ("1.0.0", "1.2.0")] {
        let decision = choose(&channel, &asking(running, wanted));
        assert_eq!(chosen(&decision), Some(version(wanted)));
        assert!(
            decision
                .passed_over
                .iter()
                .all(|other| other.reasons == [Reason::NotAskedFor])
        );
    }
}

#[test]
fn nobody_goes_back_below_the_counter_by_asking() {
    let channel = channel();
    let printer = Printer {
        counter: Counter::new(2).unwrap(),
        ..asking("1.2.0", "1.1.0")
    };
    let decision = choose(&channel, &printer);
    assert_eq!(decision.choice, Choice::NothingFits);
    assert_eq!(
        reasons(&decision, "1.1.0"),
        [Reason::LowerCounter {
            printer: printer.counter
        }]
    );
}

#[test]
fn the_other_rules_hold_for_what_is_asked_for() {
    let mut yanked = release("1.1.0", 1);
    yanked.yanked = Some("it hums".to_owned());
    let mut far = release("3.0.0", 1);
    far.floor = Some(version("2.0.0"));
    let channel = manifest(vec![yanked, far, release("1.2.0", 1)]);
    let why = |printer: &Printer, wanted: &str| {
        let decision = choose(&channel, printer);
        assert_eq!(decision.choice, Choice::NothingFits);
        reasons(&decision, wanted).to_vec()
    };
    assert!(matches!(
        why(&asking("1.0.0", "1.1.0"), "1.1.0")[..],
        [Reason::Yanked { .. }]
    ));
    assert!(matches!(
        why(&asking("1.0.0", "3.0.0"), "3.0.0")[..],
        [Reason::BelowFloor { .. }]
    ));
    let mut burnt = asking("1.0.0", "1.2.0");
    burnt.refused = vec![release("1.2.0", 1).bundle.sha256];
    assert_eq!(why(&burnt, "1.2.0"), [Reason::RememberedAsBad]);
}

#[test]
fn asking_overrides_a_skip_and_a_postponement() {
    let channel = channel();
    let mut printer = asking("1.1.0", "1.2.0");
    printer.wishes.skipped = vec![version("1.2.0")];
    printer.wishes.postponed_until = Some(until());
    assert_eq!(chosen(&choose(&channel, &printer)), Some(version("1.2.0")));
}

#[test]
fn asking_for_what_runs_is_up_to_date_and_for_what_is_not_there_is_said() {
    let channel = channel();
    let runs = choose(&channel, &asking("1.1.0", "1.1.0"));
    assert_eq!(runs.choice, Choice::UpToDate);
    assert_eq!(reasons(&runs, "1.1.0"), [Reason::Runs]);
    let missing = choose(&channel, &asking("1.1.0", "1.1.1"));
    assert_eq!(missing.choice, Choice::NotListed);
}

#[test]
fn on_request_lists_what_may_be_asked_for_and_why_not_the_rest() {
    let channel = channel();
    let printer = Printer {
        counter: Counter::new(2).unwrap(),
        ..skipping("1.1.0", &["1.2.0"])
    };
    let listed: Vec<(String, usize)> = on_request(&channel, &printer)
        .iter()
        .map(|other| (other.release.version.to_string(), other.against.len()))
        .collect();
    assert_eq!(listed, [("1.2.0".to_owned(), 0), ("1.0.0".to_owned(), 1)]);
}

#[test]
fn what_waits_stands_until_it_is_yanked_or_skipped_and_an_older_one_only_if_asked_for() {
    let channel = channel();
    let bundle = |text| release(text, 1).bundle.sha256;
    let stands = |printer: &Printer, text, asked| stands(&channel, printer, bundle(text), asked);
    let plain = printer("1.1.0", 1);
    assert!(stands(&plain, "1.2.0", false) && !stands(&plain, "1.0.0", false));
    assert!(stands(&plain, "1.0.0", true));
    assert!(!stands(&plain, "7.0.0", true));
    let skipping = skipping("1.1.0", &["1.2.0"]);
    assert!(!stands(&skipping, "1.2.0", false) && stands(&skipping, "1.2.0", true));
    let mut postponing = plain;
    postponing.wishes.postponed_until = Some(until());
    assert!(stands(&postponing, "1.2.0", false));
}

prop_compose! {
    fn any_wishes()(asked in proptest::option::of(0u64..12), skipped in proptest::collection::vec(0u64..12, 0..3),
                    postponed in any::<bool>()) -> Wishes {
        let minor = |minor: u64| version(&format!("1.{minor}.0"));
        Wishes {
            version: asked.map(minor),
            skipped: skipped.into_iter().map(minor).collect(),
            postponed_until: postponed.then(until),
        }
    }
}

proptest! {
    #[test]
    fn no_wish_breaks_a_rule(channel in any_channel(), printer in any_printer(), wishes in any_wishes()) {
        let printer = Printer { wishes, ..printer };
        let decision = choose(&channel, &printer);
        if let Choice::Install(release) = decision.choice {
            prop_assert!(rules_against(release, &printer).is_empty());
            prop_assert!(release.counter >= printer.counter);
            prop_assert!(release.version != printer.version);
            match &printer.wishes.version {
                Some(asked) => prop_assert_eq!(asked, &release.version),
                None => {
                    prop_assert!(release.version > printer.version);
                    prop_assert!(!printer.wishes.skipped.contains(&release.version));
                    prop_assert!(printer.wishes.postponed_until.is_none());
                }
            }
        }
        let installed = usize::from(matches!(decision.choice, Choice::Install(_)));
        prop_assert_eq!(decision.passed_over.len() + installed, channel.releases().len());
        prop_assert!(decision.passed_over.iter().all(|other| !other.reasons.is_empty()));
    }

    #[test]
    fn what_is_listed_without_an_objection_is_installed_when_asked_for(channel in any_channel(), printer in any_printer()) {
        for other in on_request(&channel, &printer) {
            let wishes = Wishes { version: Some(other.release.version.clone()), ..Wishes::default() };
            let choice = choose(&channel, &Printer { wishes, ..printer.clone() }).choice;
            prop_assert_eq!(choice == Choice::Install(other.release), other.against.is_empty());
        }
    }
}
