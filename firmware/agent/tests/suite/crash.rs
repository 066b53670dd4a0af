//! Random lives of a printer with the power cut anywhere: what must never happen, does not.

use std::{fs, sync::LazyLock};

use firstlayer_agent::*;
use firstlayer_bundle::{Counter, Sha256};
use proptest::prelude::*;

use crate::{
    printer::{FACTORY, TestPrinter, Trick, Tricky},
    repository::{Repository, image},
};

/// 1.1.0 and 1.2.0 with counters 2 and 3; the second needs the first.
static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| {
    let mut repository = Repository::new();
    repository.release("1.1.0", 2, &image(1, 30_000));
    repository.release("1.2.0", 3, &image(2, 40_000));
    repository.releases[1].floor = Some("1.1.0".parse().unwrap());
    repository.publish();
    repository
});

#[derive(Debug, Clone)]
enum Act {
    Check,
    Install { cut_stream_at: Option<u64> },
    Ask(&'static str),
    Skip(&'static str),
    Postpone,
    Confirm,
    Rollback,
    Boot,
}

/// What can be seen from outside: the medium alone.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    boot: BootRecord,
    counter: Counter,
    slots: [Option<Sha256>; 2],
}

fn see(printer: &TestPrinter) -> Seen {
    let slots = printer.slots();
    let hash = |slot| {
        fs::read(slots.path(slot))
            .ok()
            .map(|bytes| Sha256::of(&bytes))
    };
    Seen {
        boot: slots.boot().unwrap(),
        counter: printer.record().counter,
        slots: [hash(Slot::A), hash(Slot::B)],
    }
}

fn act(printer: &mut TestPrinter, act: &Act) {
    let tricks = match act {
        Act::Install {
            cut_stream_at: Some(at),
        } => vec![Trick::Serve, Trick::Cut(*at)],
        _ => Vec::new(),
    };
    let mut fetch = Tricky::new(REPOSITORY.path(), tricks);
    // Refusals and power cuts are part of life; what counts is what they leave behind.
    let _ = match act {
        Act::Check => printer.with(|agent| agent.check(&mut fetch, &mut Silent).map(drop)),
        Act::Install { .. } => {
            printer.with(|agent| agent.install(None, &mut fetch, &mut Silent).map(drop))
        }
        Act::Ask(version) => {
            let version = version.parse().unwrap();
            printer.with(|agent| {
                agent
                    .install(Some(&version), &mut fetch, &mut Silent)
                    .map(drop)
            })
        }
        Act::Skip(version) => {
            let version = version.parse().unwrap();
            printer.with(|agent| agent.skip(Some(&version)).map(drop))
        }
        Act::Postpone => {
            let week = "7d".parse().unwrap();
            printer.with(|agent| agent.postpone(Some(week)).map(drop))
        }
        Act::Confirm => printer.with(|agent| agent.confirm()),
        Act::Rollback => printer.with(|agent| agent.rollback().map(drop)),
        Act::Boot => {
            printer.boot(|version| {
                ["", FACTORY, "1.1.0", "1.2.0"]
                    .iter()
                    .position(|known| *known == version)
                    .unwrap() as u64
            });
            Ok(Ok(()))
        }
    };
}

fn check(printer: &TestPrinter, before: &Seen, after: &Seen) -> Result<(), TestCaseError> {
    let slots = printer.slots();
    for slot in [before.boot.active, before.boot.running] {
        prop_assert_eq!(
            before.slots[slot as usize],
            after.slots[slot as usize],
            "slot {} was written",
            slot
        );
    }
    for slot in [Slot::A, Slot::B] {
        let blessed = slots.blessing_of(slot).unwrap().is_some();
        prop_assert!(
            !blessed || slots.is_intact(slot).unwrap(),
            "slot {} is blessed and not intact",
            slot
        );
    }
    prop_assert!(after.counter >= before.counter, "the counter fell");
    if after.counter > before.counter {
        // Whatever else the same act did: after a cut confirmation the next one ends it first, and then goes on.
        let active = slots.blessing_of(after.boot.active).unwrap().unwrap();
        let mut releases = REPOSITORY.releases.iter();
        let confirmed = releases.find(|release| release.bundle.sha256 == active.bundle);
        prop_assert_eq!(
            confirmed.map(|release| release.counter),
            Some(after.counter),
            "the counter is another than that of the active release"
        );
    }
    if let Some(trial) = after.boot.trial.filter(|trial| trial.attempts > 0) {
        prop_assert!(
            slots.blessing_of(trial.slot).unwrap().is_some(),
            "a slot without a blessing is to be tried"
        );
    }
    Ok(())
}

fn any_act() -> impl Strategy<Value = Act> {
    let cut = proptest::option::of(0u64..30_000);
    prop_oneof![
        1 => Just(Act::Check),
        4 => cut.prop_map(|cut_stream_at| Act::Install { cut_stream_at }),
        3 => Just(Act::Boot),
        3 => Just(Act::Confirm),
        1 => Just(Act::Rollback),
    ]
}

/// With an owner who has wishes.
fn any_wilful_act() -> impl Strategy<Value = Act> {
    let version = || proptest::sample::select(vec!["1.1.0", "1.2.0"]);
    prop_oneof![
        4 => any_act(),
        2 => version().prop_map(Act::Ask),
        1 => version().prop_map(Act::Skip),
        1 => Just(Act::Postpone),
    ]
}

fn any_life(act: impl Strategy<Value = Act>) -> impl Strategy<Value = Vec<(Act, Option<u32>)>> {
    proptest::collection::vec((act, proptest::option::weighted(0.5, 0u32..40)), 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_the_promises(life in any_life(any_wilful_act())) {
        let mut printer = TestPrinter::new(REPOSITORY.trust_anchor());
        for (next, power) in life {
            let before = see(&printer);
            printer.power.set(power.unwrap_or(u32::MAX));
            act(&mut printer, &next);
            printer.power.set(u32::MAX);
            check(&printer, &before, &see(&printer))?;
        }
    }

    #[test]
    fn after_any_life_the_printer_can_still_update(life in any_life(any_act())) {
        let mut printer = TestPrinter::new(REPOSITORY.trust_anchor());
        for (next, power) in life {
            printer.power.set(power.unwrap_or(u32::MAX));
            act(&mut printer, &next);
        }
        printer.power.set(u32::MAX);
        // Three boots end any trial; what was not given up on the way must install, and nothing may be stuck.
        (0..3).for_each(|_| act(&mut printer, &Act::Boot));
        let refused = printer.with(|agent| agent.settle().map(|()| agent.record().refused.len())).unwrap().unwrap();
        for _ in refused..2 {
            act(&mut printer, &Act::Install { cut_stream_at: None });
            act(&mut printer, &Act::Boot);
            act(&mut printer, &Act::Confirm);
        }
        let outcome = printer.with(|agent| agent.check(&mut FolderFetch::new(REPOSITORY.path()), &mut Silent)).unwrap().unwrap().outcome;
        let expected = if printer.record().refused.is_empty() { Outcome::UpToDate } else { Outcome::NothingFits };
        let newest = printer.setup.running.version.to_string() == "1.2.0";
        prop_assert_eq!(outcome, if newest { Outcome::UpToDate } else { expected });
    }
}

#[test]
fn a_power_cut_at_every_single_operation_of_an_update_is_survived() {
    for cut in 0..60 {
        let mut printer = TestPrinter::new(REPOSITORY.trust_anchor());
        for step in [
            Act::Install {
                cut_stream_at: None,
            },
            Act::Boot,
            Act::Confirm,
        ] {
            let before = see(&printer);
            printer.power.set(cut);
            act(&mut printer, &step);
            printer.power.set(u32::MAX);
            check(&printer, &before, &see(&printer)).unwrap();
            act(&mut printer, &step);
            check(&printer, &before, &see(&printer)).unwrap();
        }
        assert_eq!(
            printer.slots().boot().unwrap().active,
            Slot::B,
            "cut after {cut} operations"
        );
        assert_eq!(
            printer.record().counter,
            Counter::new(2).unwrap(),
            "cut after {cut} operations"
        );
    }
}

/// A life that chance found: the check after a cut confirmation ends it, and then finds nothing to do.
#[test]
fn a_check_ends_a_confirmation_that_was_cut() {
    let mut printer = TestPrinter::new(REPOSITORY.trust_anchor());
    for next in [Act::Ask("1.1.0"), Act::Boot, Act::Check] {
        act(&mut printer, &next);
    }
    printer.power.set(1);
    act(&mut printer, &Act::Confirm);
    printer.power.set(u32::MAX);
    let cut = see(&printer);
    assert_eq!(cut.boot.active, cut.boot.running, "the cut came too early");
    act(&mut printer, &Act::Check);
    let after = see(&printer);
    assert!(after.counter > cut.counter, "it was not ended");
    check(&printer, &cut, &after).unwrap();
}
