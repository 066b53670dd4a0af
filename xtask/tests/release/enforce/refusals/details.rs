//! What refusals depend on, and what they leave alone.

use std::collections::BTreeSet;

use xtask::enforce::{EvidenceProblem, Refusal, Shortfall, Tried};

use super::super::stage::{ENFORCE, RULE, Stage, WARN, evidence};
use super::{row, yank_the_stepping_stone};

/// The refusals of a plan, which must all be of these rows.
fn refusals_of(stage: &Stage, rows: &[&str]) -> Vec<Refusal> {
    let refusals = stage.plan().refusals;
    let found: BTreeSet<&str> = refusals.iter().map(row).collect();
    let expected = rows.iter().copied().collect();
    assert_eq!(found, expected, "{refusals:#?}");
    refusals
}

fn assert_passes(stage: &Stage) {
    assert_eq!(stage.plan().refusals, []);
}

#[test]
fn a_budget_that_is_just_enough_is_enough() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "1".parse().unwrap();
    assert_passes(&stage);
    // One in use of the 99 is a little more than one of a hundred.
    stage.terms.max_lockout = "1.02%".parse().unwrap();
    assert_passes(&stage);
    stage.terms.max_lockout = "1.01%".parse().unwrap();
    refusals_of(&stage, &["beyond_the_budget"]);
}

#[test]
fn an_exemption_puts_the_loss_off_and_does_not_hide_it() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    let exemption = |until: &str| {
        let models = "models = [\"first-mini\", \"first-one\"]";
        stage.rules_with(
            WARN,
            ENFORCE,
            &format!(
                "exemptions = [{{ {models}, until = \"{until}\", why = \"a part is late\" }}]"
            ),
        );
    };
    // Over before the date: it spares nobody on the date.
    exemption("2026-07-01T00:00:00Z");
    refusals_of(&stage, &["beyond_the_budget"]);
    let total = stage.plan().impact.total;
    assert_eq!((total.lost_now, total.spared), (10, 0));
    // A moment after the date.
    exemption("2026-08-01T00:00:01Z");
    refusals_of(&stage, &["beyond_the_budget"]);
    let total = stage.plan().impact.total;
    assert_eq!((total.lost_now, total.lost_then, total.spared), (0, 0, 10));
    assert_eq!((total.lost_later, total.lost_in_use), (2, 1));
}

#[test]
fn without_a_way_only_those_who_have_none() {
    let mut stage = Stage::new();
    yank_the_stepping_stone(&mut stage);
    // 1.3.0 was yanked, so 1.4.0 is all there is; 1.2.0 is below its floor.
    let found = refusals_of(&stage, &["without_a_way"]);
    assert!(matches!(
        found.as_slice(),
        [Refusal::NoWay { who, .. }] if who.version.minor == 2 && who.printers == 3
    ));
    assert_eq!(stage.plan().impact.total.stranded, 3);
}

#[test]
fn a_board_without_a_way_beside_one_that_has_one() {
    let mut stage = Stage::new();
    // Some first-minis have the other board, for which nothing is released to them any more.
    stage
        .release("1.3.0", "virt-aarch64")
        .models
        .push("first-mini".parse().unwrap());
    stage.release("1.4.0", "virt-aarch64").floor = Some("1.3.0".parse().unwrap());
    stage.publish();
    // Which versions the other board ever had is not known.
    stage.terms.accept_untried = true;
    let found = refusals_of(&stage, &["hardware_not_covered"]);
    assert!(found.iter().all(|one| matches!(
        one,
        Refusal::HardwareNotCovered { board, .. } if board.as_str() == "virt-aarch64"
    )));
}

#[test]
fn firmware_that_reads_everything_and_would_not_take_the_first_step() {
    let mut stage = Stage::new();
    stage.trial_of("1.3.0", Tried::Reads { offered: None });
    let found = refusals_of(&stage, &["firmware_that_cannot_read_what_is_published"]);
    assert!(found.iter().all(|one| matches!(
        one,
        Refusal::CannotRead { why, .. } if why.contains("would install nothing")
    )));
}

/// 1.2.0 goes by way of 1.3.0, which nobody runs any more.
fn lead_by_a_stone(stage: &mut Stage) {
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).floor = Some("1.3.0".parse().unwrap());
    }
    stage.publish();
    stage.census(&[
        ("1.2.0", "first-mini", "2026-05-30", 1),
        ("1.4.0", "first-mini", "2026-05-30", 99),
    ]);
    let offered = Some("1.3.0".parse().unwrap());
    stage.trial_of("1.2.0", Tried::Reads { offered });
}

#[test]
fn a_stepping_stone_has_to_lead_on() {
    let mut stage = Stage::new();
    lead_by_a_stone(&mut stage);
    assert_passes(&stage);
    for (outcome, row) in [
        (
            Tried::Fails {
                why: "it does not know a field".to_owned(),
            },
            "firmware_that_cannot_read_what_is_published",
        ),
        (
            Tried::Reads { offered: None },
            "firmware_that_cannot_read_what_is_published",
        ),
        (
            Tried::Untried {
                why: "its bundle is gone".to_owned(),
            },
            "firmware_that_was_not_tried",
        ),
    ] {
        // A new one, because a plan keeps what came of its trials.
        let mut stage = Stage::new();
        lead_by_a_stone(&mut stage);
        stage.trial_of("1.3.0", outcome);
        let found = refusals_of(&stage, &[row]);
        let text = found[0].to_string();
        assert!(text.contains(": as 1.3.0, on its way: it"), "{text}");
    }
}

#[test]
fn a_stepping_stone_that_fails_is_not_hidden_by_what_may_go_untried() {
    let mut stage = Stage::new();
    lead_by_a_stone(&mut stage);
    let why = || "its bundle is gone".to_owned();
    stage.trial_of("1.2.0", Tried::Untried { why: why() });
    stage.trial_of("1.3.0", Tried::Fails { why: why() });
    stage.terms.accept_untried = true;
    refusals_of(&stage, &["firmware_that_cannot_read_what_is_published"]);
}

#[test]
fn a_version_that_the_channel_does_not_list_was_not_tried_unless_that_is_accepted() {
    let mut stage = Stage::new();
    stage.census(&[("1.1.0", "first-mini", "2026-05-30", 1)]);
    let found = refusals_of(&stage, &["firmware_that_was_not_tried"]);
    assert!(
        found[0]
            .to_string()
            .contains("stable lists no such release")
    );
    stage.terms.accept_untried = true;
    assert_passes(&stage);
}

#[test]
fn who_is_warned_later_than_was_announced_has_the_whole_notice_all_the_same() {
    let stage = Stage::new();
    stage.put_in_force();
    stage.rules(ENFORCE, ENFORCE);
    let found = refusals_of(&stage, &["a_warning_too_shortly_before"]);
    assert!(found[0].to_string().contains("(30d of notice)"));
    // Also where it is to be enforced sooner, long from now.
    stage.rules("2026-07-15T00:00:00Z", "2026-07-25T00:00:00Z");
    refusals_of(&stage, &["a_warning_too_shortly_before"]);
    // With enough of it, warnings may begin later.
    stage.rules("2026-07-01T00:00:00Z", ENFORCE);
    assert_passes(&stage);
}

#[test]
fn evidence_of_another_kind_of_predicate_is_not_understood() {
    let mut stage = Stage::new();
    stage.attach_to_1_4(|release, _| {
        let text = String::from_utf8(evidence(release, &[RULE])).unwrap();
        text.replace("evidence:v1", "evidence:v2").into_bytes()
    });
    refusals_of(&stage, &["evidence_that_is_no_statement"]);
}

#[test]
fn a_shorter_grace_may_be_chosen() {
    let mut stage = Stage::new();
    stage.roll_out(
        "1.4.0",
        &[("2026-05-01T00:00:00Z", 10), ("2026-07-19T00:00:00Z", 100)],
    );
    refusals_of(&stage, &["before_the_last_wave_and_the_grace"]);
    stage.terms.grace = "13d".parse().unwrap();
    assert_passes(&stage);
}

#[test]
fn a_stepping_stone_must_be_rolled_out_as_well() {
    let mut stage = Stage::new();
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).floor = Some("1.3.0".parse().unwrap());
    }
    stage.trial_of("1.2.0", Tried::Reads { offered: None });
    stage.roll_out(
        "1.3.0",
        &[("2026-02-01T00:00:00Z", 10), ("2026-07-30T00:00:00Z", 100)],
    );
    let found = refusals_of(&stage, &["before_the_last_wave_and_the_grace"]);
    assert!(matches!(
        found.as_slice(),
        // Only first-minis have to go over it.
        [Refusal::TooSoon { line, release, .. }]
            if line.model.as_str() == "first-mini" && release.minor == 3
    ));
}

#[test]
fn a_board_that_comes_to_the_minimum_later_counts() {
    let mut stage = Stage::new();
    // First-minis with the other board: 1.4.0 was never released for them, and 1.5.0 is not rolled out.
    stage.add("1.5.0", "2026-05-20T00:00:00Z", &[RULE]);
    let other = stage.release("1.5.0", "virt-aarch64");
    other.models.push("first-mini".parse().unwrap());
    stage.roll_out(
        "1.5.0",
        &[("2026-05-20T00:00:00Z", 10), ("2026-07-30T00:00:00Z", 100)],
    );
    stage.terms.accept_untried = true;
    let found = refusals_of(&stage, &["before_the_last_wave_and_the_grace"]);
    assert!(matches!(
        found.as_slice(),
        [Refusal::TooSoon { line, release, .. }]
            if line.model.as_str() == "first-mini" && release.minor == 5
    ));
}

#[test]
fn a_verdict_other_than_has_shows_nothing() {
    let mut stage = Stage::new();
    stage.attach_to_1_4(|release, _| {
        let shown = String::from_utf8(evidence(release, &[RULE])).unwrap();
        shown.replace("\"has\"", "\"lacks\"").into_bytes()
    });
    let found = refusals_of(&stage, &["evidence_that_shows_something_else"]);
    assert!(matches!(
        found.as_slice(),
        [Refusal::Evidence { problem: EvidenceProblem::NotShown, board, .. }]
            if board.as_str() == "virt-armv7"
    ));
}

#[test]
fn what_was_announced_may_come_to_pass_and_no_sooner() {
    let mut stage = Stage::new();
    stage.put_in_force();
    stage.workshop.now = "2026-06-05T00:00:00Z".parse().unwrap();
    let exemption = "exemptions = [{ models = [\"first-one\"], until = \"2026-09-01T00:00:00Z\", why = \"late\" }]";
    stage.rules_with(WARN, "2026-06-20T00:00:00Z", exemption);
    stage.relax("a part is late");
    let found = refusals_of(&stage, &["sooner_than_was_announced"]);
    assert!(matches!(
        found.as_slice(),
        [Refusal::ShortNotice {
            shortfall: Shortfall::Tightened { .. },
            ..
        }]
    ));
    stage.rules_with(WARN, ENFORCE, exemption);
    assert_passes(&stage);
}

#[test]
fn what_is_loosened_may_be_loosened_with_a_reason() {
    let mut stage = Stage::new();
    stage.put_in_force();
    stage.workshop.write("manifests/enforcement.toml", "");
    let found = refusals_of(&stage, &["loosened_without_saying_so"]);
    assert!(
        found[0].to_string().contains("it is gone; "),
        "{}",
        found[0]
    );
    assert!(
        found[0]
            .to_string()
            .contains("enforce withdraw https-transfer")
    );
    stage.relax("nobody needs it any more");
    assert_passes(&stage);
    assert_eq!(stage.apply().unwrap().manifest.relaxations().len(), 1);
}

#[test]
fn all_of_them_at_once() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    let why = "it hangs".to_owned();
    stage.trial_of("1.2.0", Tried::Fails { why });
    stage.rules("2026-05-01T00:00:00Z", "2026-05-10T00:00:00Z");
    refusals_of(
        &stage,
        &[
            "beyond_the_budget",
            "a_date_in_the_past_that_was_never_announced",
            "firmware_that_cannot_read_what_is_published",
        ],
    );
}

#[test]
fn names_with_a_slip_in_them() {
    let stage = Stage::new();
    for (line, part) in [
        (
            "models = [\"first-won\"]",
            "accepted are first-mini, first-one",
        ),
        ("channels = [\"stabel\"]", "accepted are beta, stable"),
        ("minimum = \"1.0.0\"", "minimum"),
    ] {
        stage.rules_with(WARN, ENFORCE, line);
        let error = format!("{:#}", stage.try_plan().unwrap_err());
        assert!(
            error.contains(part) && error.contains("enforcement.toml"),
            "{error}"
        );
        let problems = stage.workshop.validate(None).problems.to_string();
        assert!(problems.contains(part), "{problems}");
    }
}

#[test]
fn a_census_that_is_none() {
    let stage = Stage::new();
    let header = "serial,model,version,channel,region,last_seen\n";
    for (text, part) in [
        ("serial,model\nA,first-mini\n", "census.csv"),
        (header, "no printer in it"),
    ] {
        stage.workshop.write("census.csv", text);
        let error = format!("{:#}", stage.try_plan().unwrap_err());
        assert!(error.contains(part), "{error}");
    }
}
