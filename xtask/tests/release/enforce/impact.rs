//! Whom a plan hits.

use xtask::enforce::Tally;

use super::stage::Stage;

#[test]
fn those_without_the_capability_are_lost_and_told_apart() {
    let plan = Stage::new().plan();
    assert_eq!(plan.refusals, []);
    let impact = &plan.impact;
    // Of 100 printers 10 lack it. One of those has not been seen since December.
    let Tally {
        printers,
        in_use,
        lost_now,
        stranded,
        spared,
        ..
    } = impact.total;
    assert_eq!(
        (printers, in_use, lost_now, stranded, spared),
        (100, 99, 10, 0, 0)
    );
    let lost = |rows: &[xtask::enforce::Row]| -> Vec<(String, u64)> {
        let lost = rows.iter().filter(|row| row.tally.lost_now > 0);
        lost.map(|row| (row.name.clone(), row.tally.lost_now))
            .collect()
    };
    let expected = |rows: &[(&str, u64)]| -> Vec<(String, u64)> {
        rows.iter()
            .map(|(name, lost)| ((*name).to_owned(), *lost))
            .collect()
    };
    assert_eq!(
        lost(&impact.models),
        expected(&[("first-mini", 7), ("first-one", 3)])
    );
    assert_eq!(lost(&impact.channels), expected(&[("stable", 10)]));
    assert_eq!(lost(&impact.regions), expected(&[("eu", 5), ("us", 5)]));
    assert_eq!(
        lost(&impact.last_seen),
        expected(&[("within 7 days", 9), ("longer ago", 1)])
    );
    assert_eq!(
        lost(&impact.versions),
        expected(&[
            ("1.2.0 first-mini stable", 3),
            ("1.3.0 first-mini stable", 4),
            ("1.3.0 first-one stable", 3)
        ])
    );
    assert_eq!(lost(&impact.rules), expected(&[("https-transfer", 10)]));
}

#[test]
fn the_rate_seen_rescues_those_in_use_and_nobody_else() {
    let plan = Stage::new().plan();
    // 50 of 56 first-minis in use have it after 31 days: (6 / 56) ^ (7 / 31) stay behind each week.
    let pace = plan
        .paces
        .iter()
        .find(|pace| pace.model.as_str() == "first-mini")
        .unwrap();
    assert_eq!((pace.in_use, pace.updated), (56, 50));
    assert_eq!(
        pace.weekly_per_million,
        396_000 + pace.weekly_per_million % 1000
    );
    let total = plan.impact.total;
    assert_eq!(total.rescued + total.lost_then, total.lost_now);
    // 61 days on hardly anybody in use is left; the silent one is.
    assert_eq!((total.lost_then, total.lost_in_use), (2, 1));
    let curve = &plan.impact.curve;
    // It begins and ends where the tally does.
    let ends = (curve[0].lost, curve.last().unwrap().lost);
    assert_eq!(ends, (total.lost_now, total.lost_then));
    assert!(curve.windows(2).all(|pair| pair[0].lost >= pair[1].lost));
}

#[test]
fn a_release_of_yesterday_rescues_nobody() {
    let mut stage = Stage::new();
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).built = "2026-05-31T00:00:00Z".parse().unwrap();
    }
    stage.publish();
    let total = stage.plan().impact.total;
    assert_eq!((total.rescued, total.lost_then), (0, 10));
}

#[test]
fn exempt_printers_are_spared_and_their_way_back_is_proven_all_the_same() {
    let stage = Stage::new();
    let exemption = "exemptions = [{ models = [\"first-one\"], until = \"2027-01-01T00:00:00Z\", why = \"a part is late\" }]";
    stage.rules_with("2026-06-15T00:00:00Z", "2026-08-01T00:00:00Z", exemption);
    let plan = stage.plan();
    assert_eq!(
        (plan.impact.total.lost_now, plan.impact.total.spared),
        (7, 3)
    );
    assert!(
        plan.recoveries
            .iter()
            .any(|one| one.who.model.as_str() == "first-one")
    );
}

#[test]
fn each_version_of_each_board_is_tried_once_and_remembered_for_the_same_metadata() {
    let stage = Stage::new();
    stage.plan();
    assert_eq!(
        stage.trial.count.get(),
        3,
        "1.2.0 on one board, 1.3.0 on two"
    );
    stage.plan();
    assert_eq!(stage.trial.count.get(), 3);
    stage.publish();
    stage.plan();
    assert_eq!(stage.trial.count.get(), 6, "something else is published");
}

#[test]
fn the_same_inputs_give_the_same_plan() {
    let stage = Stage::new();
    assert_eq!(stage.plan(), stage.plan());
}
