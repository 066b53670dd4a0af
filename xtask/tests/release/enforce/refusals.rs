//! Every refusal, provoked.

use firstlayer_policy::Wave;
use xtask::enforce::{EvidenceProblem, Refusal, Shortfall, Tried};

use super::stage::{ENFORCE, RULE, Stage, evidence};

/// The refusals of a plan; each must say what to do, after its semicolon.
fn refusals(stage: &Stage) -> Vec<Refusal> {
    let refusals = stage.plan().refusals;
    for refusal in &refusals {
        assert!(refusal.to_string().contains("; "), "{refusal}");
    }
    refusals
}

macro_rules! assert_refused {
    ($refusals:expr, $($pattern:tt)+) => {
        let refusals = $refusals;
        assert!(
            !refusals.is_empty() && refusals.iter().all(|one| matches!(one, $($pattern)+)),
            "{refusals:?}"
        );
    };
}

#[test]
fn beyond_the_budget() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    assert_refused!(
        refusals(&stage),
        Refusal::BeyondBudget {
            lost: 1,
            allowed: 0,
            ..
        }
    );
    stage.terms.max_lockout = "1".parse().unwrap();
    assert_eq!(refusals(&stage), []);
}

#[test]
fn a_version_without_a_way() {
    let mut stage = Stage::new();
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).floor = Some("1.3.0".parse().unwrap());
        stage.release("1.3.0", board).yanked = Some("it burns".to_owned());
    }
    stage.publish();
    let found = refusals(&stage);
    let without: Vec<_> = found
        .iter()
        .filter_map(|one| match one {
            Refusal::NoWay { who, .. } => Some(who.version.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(without, ["1.2.0"]);
    assert_eq!(stage.plan().impact.total.stranded, 3);
}

#[test]
fn a_board_that_no_release_leads_out_for() {
    let stage = Stage::new();
    // Some first-minis have got another board, and nothing was released for that.
    let board =
        std::fs::read_to_string(stage.workshop.root.join("firmware/boards/virt-armv7.toml"));
    let board = board.unwrap().replace("virt-armv7", "other-board");
    stage
        .workshop
        .write("firmware/boards/other-board.toml", &board);
    let found = refusals(&stage);
    assert!(
        found.iter().any(|one| matches!(
            one,
            Refusal::HardwareNotCovered { board: Some(board), .. } if board.as_str() == "other-board"
        )),
        "{found:?}"
    );
}

#[test]
fn firmware_that_cannot_read_what_is_published() {
    let mut stage = Stage::new();
    let why = "it does not know a field".to_owned();
    stage
        .trial
        .outcomes
        .insert("1.2.0".to_owned(), Tried::Fails { why });
    assert_refused!(refusals(&stage), Refusal::CannotRead { who, .. } if who.version.minor == 2);
}

#[test]
fn firmware_that_reads_everything_and_would_not_take_the_first_step() {
    let mut stage = Stage::new();
    stage
        .trial
        .outcomes
        .insert("1.3.0".to_owned(), Tried::Reads { offered: None });
    assert_refused!(
        refusals(&stage),
        Refusal::CannotRead { why, .. } if why.contains("would install nothing")
    );
}

#[test]
fn a_version_that_was_not_tried_unless_that_is_accepted() {
    let mut stage = Stage::new();
    let why = "its bundle is gone".to_owned();
    stage
        .trial
        .outcomes
        .insert("1.2.0".to_owned(), Tried::Untried { why });
    stage.census(&[
        ("1.2.0", "first-mini", "2026-05-30", 1),
        ("1.1.0", "first-mini", "2026-05-30", 1),
    ]);
    let found = refusals(&stage);
    assert_eq!(
        found.len(),
        2,
        "1.2.0, and 1.1.0 that the channel does not list: {found:?}"
    );
    assert_refused!(found, Refusal::Untried { .. });
    stage.terms.accept_untried = true;
    assert_eq!(refusals(&stage), []);
}

fn roll_out(stage: &mut Stage, waves: &[(&str, u8)]) {
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).waves = waves
            .iter()
            .map(|(starts, percent)| Wave {
                starts: starts.parse().unwrap(),
                percent: *percent,
            })
            .collect();
    }
    stage.publish();
}

#[test]
fn before_the_last_wave_and_the_grace() {
    let mut stage = Stage::new();
    roll_out(
        &mut stage,
        &[("2026-05-01T00:00:00Z", 10), ("2026-07-19T00:00:00Z", 100)],
    );
    let found = refusals(&stage);
    assert!(
        found[0]
            .to_string()
            .contains("2026-08-02T00:00:00Z or later"),
        "{}",
        found[0]
    );
    assert_refused!(found, Refusal::TooSoon { .. });
    stage.terms.grace = "13d".parse().unwrap();
    assert_eq!(refusals(&stage), []);
}

#[test]
fn a_minimum_above_what_is_rolled_out() {
    let mut stage = Stage::new();
    roll_out(
        &mut stage,
        &[("2026-05-01T00:00:00Z", 10), ("2026-08-02T00:00:00Z", 100)],
    );
    let found = refusals(&stage);
    let not_rolled_out = found.iter().filter(|one| {
        matches!(
            one,
            Refusal::NotRolledOut {
                percent_now: 10,
                percent_then: 10,
                ..
            }
        )
    });
    assert_eq!(not_rolled_out.count(), 2, "one a model: {found:?}");
}

#[test]
fn a_capability_that_no_release_has() {
    let mut stage = Stage::new();
    stage.releases.retain(|release| release.version.minor < 4);
    stage.publish();
    assert_refused!(refusals(&stage), Refusal::Uncovered { .. });
}

/// The problem with the evidence of 1.4.0 for one board, after it was spoilt.
fn spoilt(spoil: impl FnOnce(&mut Stage)) -> EvidenceProblem {
    let mut stage = Stage::new();
    spoil(&mut stage);
    stage.publish();
    match refusals(&stage).as_slice() {
        [Refusal::Evidence { problem, board, .. }] if board.as_str() == "virt-armv7" => {
            problem.clone()
        }
        others => panic!("{others:?}"),
    }
}

fn attach(stage: &mut Stage, bytes: impl FnOnce(&firstlayer_policy::Release) -> Vec<u8>) {
    let mut release = stage.release("1.4.0", "virt-armv7").clone();
    let bytes = bytes(&release);
    stage.attach(&mut release, bytes);
    *stage.release("1.4.0", "virt-armv7") = release;
}

#[test]
fn evidence_that_is_not_there() {
    let problem = spoilt(|stage| {
        stage
            .evidence
            .remove("stable-1.4.0-virt-armv7.evidence.json");
    });
    assert_eq!(problem, EvidenceProblem::NotSigned);
}

#[test]
fn evidence_that_was_exchanged() {
    let problem = spoilt(|stage| {
        let release = stage.release("1.4.0", "virt-armv7").clone();
        let other = evidence(&release, &[RULE, "lan-mqtts"]);
        let name = release.evidence.unwrap().target;
        stage.evidence.insert(name, other);
    });
    assert_eq!(problem, EvidenceProblem::OtherFile);
}

#[test]
fn evidence_about_another_bundle() {
    let problem = spoilt(|stage| {
        let other = stage.release("1.3.0", "virt-armv7").clone();
        attach(stage, |_| evidence(&other, &[RULE]));
    });
    assert_eq!(problem, EvidenceProblem::OtherSubject);
}

#[test]
fn evidence_that_shows_something_else() {
    let problem = spoilt(|stage| attach(stage, |release| evidence(release, &["lan-mqtts"])));
    assert_eq!(problem, EvidenceProblem::NotShown);
    let lacking = |release: &firstlayer_policy::Release| {
        let shown = String::from_utf8(evidence(release, &[RULE])).unwrap();
        shown.replace("\"has\"", "\"lacks\"").into_bytes()
    };
    assert_eq!(
        spoilt(|stage| attach(stage, lacking)),
        EvidenceProblem::NotShown
    );
}

#[test]
fn evidence_that_is_no_statement() {
    let problem = spoilt(|stage| attach(stage, |_| b"{\"https-transfer\": true}".to_vec()));
    assert_eq!(problem, EvidenceProblem::NoStatement);
}

#[test]
fn a_date_in_the_past_that_was_never_announced() {
    let stage = Stage::new();
    stage.rules("2026-05-01T00:00:00Z", ENFORCE);
    assert_refused!(
        refusals(&stage),
        Refusal::ShortNotice {
            shortfall: Shortfall::Backdated { .. },
            ..
        }
    );
}

#[test]
fn a_warning_too_shortly_before() {
    let stage = Stage::new();
    stage.rules("2026-07-15T00:00:00Z", ENFORCE);
    let found = refusals(&stage);
    assert!(
        found[0]
            .to_string()
            .contains("2026-08-14T00:00:00Z or later"),
        "{}",
        found[0]
    );
    assert_refused!(
        found,
        Refusal::ShortNotice {
            shortfall: Shortfall::Between { .. },
            ..
        }
    );
}

#[test]
fn what_was_announced_may_come_to_pass_and_no_sooner() {
    let mut stage = Stage::new();
    stage.put_in_force();
    stage.workshop.now = "2026-06-05T00:00:00Z".parse().unwrap();
    let exemption = "exemptions = [{ models = [\"first-one\"], until = \"2026-09-01T00:00:00Z\", why = \"late\" }]";
    stage.rules_with("2026-06-15T00:00:00Z", "2026-06-20T00:00:00Z", exemption);
    stage.relax("a part is late");
    assert_refused!(
        refusals(&stage),
        Refusal::ShortNotice {
            shortfall: Shortfall::Tightened { .. },
            ..
        } | Refusal::TooSoon { .. }
    );
    stage.rules_with("2026-06-15T00:00:00Z", ENFORCE, exemption);
    assert_eq!(refusals(&stage), []);
}

#[test]
fn loosened_without_saying_so() {
    let mut stage = Stage::new();
    stage.put_in_force();
    stage.rules("2026-06-15T00:00:00Z", "2026-09-01T00:00:00Z");
    assert_refused!(
        refusals(&stage),
        Refusal::Loosened { what, .. } if what.contains("enforced later")
    );
    stage.workshop.write("manifests/enforcement.toml", "");
    let found = refusals(&stage);
    assert!(
        found[0]
            .to_string()
            .contains("enforce withdraw https-transfer"),
        "{}",
        found[0]
    );
    assert_refused!(found, Refusal::Loosened { what, .. } if what == "it is gone");
    stage.relax("nobody needs it any more");
    assert_eq!(refusals(&stage), []);
    assert_eq!(stage.apply().unwrap().manifest.relaxations().len(), 1);
}

#[test]
fn all_of_them_at_once() {
    let mut stage = Stage::new();
    stage.terms.max_lockout = "0".parse().unwrap();
    let why = "it hangs".to_owned();
    stage
        .trial
        .outcomes
        .insert("1.2.0".to_owned(), Tried::Fails { why });
    stage.rules("2026-05-01T00:00:00Z", "2026-05-10T00:00:00Z");
    let found = refusals(&stage);
    let kinds: std::collections::BTreeSet<String> = found
        .iter()
        .map(|one| serde_json::to_value(one).unwrap()["refusal"].to_string())
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
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
        stage.rules_with("2026-06-15T00:00:00Z", ENFORCE, line);
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
    stage
        .workshop
        .write("census.csv", "serial,model\nA,first-mini\n");
    let error = format!("{:#}", stage.try_plan().unwrap_err());
    assert!(error.contains("census.csv"), "{error}");
    stage.workshop.write(
        "census.csv",
        "serial,model,version,channel,region,last_seen\n",
    );
    let error = format!("{:#}", stage.try_plan().unwrap_err());
    assert!(error.contains("no printer in it"), "{error}");
}
