//! Every refusal, provoked: a row for each, and no refusal without a row.

mod details;

use xtask::enforce::{EvidenceProblem as Problem, Refusal, Shortfall, Tried};
use xtask::problems::Stopped;

use super::stage::{ENFORCE, RULE, Stage, WARN, evidence};

/// Makes a test of each row: its name, the refusal, what is printed, and how it comes about. The rows are the arms of a
/// match, so a refusal that has none does not compile.
macro_rules! every_refusal {
    ($($name:ident: $refusal:pat, $printed:literal, $provoke:expr;)+) => {
        fn row(refusal: &Refusal) -> &'static str {
            match refusal {
                $($refusal => stringify!($name),)+
            }
        }

        $(
            #[test]
            fn $name() {
                assert_refused(stringify!($name), $printed, $provoke);
            }
        )+
    };
}

every_refusal! {
    beyond_the_budget: Refusal::BeyondBudget { .. },
        "1 printers in use are expected to be refused on the date, or when their exemption ends, and --max-lockout 0 allows 0",
        |stage| stage.terms.max_lockout = "0".parse().unwrap();
    without_a_way: Refusal::NoWay { .. },
        "would lock out 1.2.0 of first-mini on stable (3 printers), and no releases lead from there",
        yank_the_stepping_stone;
    hardware_not_covered: Refusal::HardwareNotCovered { .. },
        "for those with board other-board no releases lead out",
        |stage| stage.describe_board("other-board");
    firmware_that_cannot_read_what_is_published: Refusal::CannotRead { .. },
        "its own firmware for virt-armv7 cannot check for updates today: it does not know a field",
        |stage| stage.trial_of("1.2.0", Tried::Fails { why: "it does not know a field".to_owned() });
    firmware_that_was_not_tried: Refusal::Untried { .. },
        "can check for updates today was not tried: its bundle is gone",
        |stage| stage.trial_of("1.2.0", Tried::Untried { why: "its bundle is gone".to_owned() });
    before_the_last_wave_and_the_grace: Refusal::TooSoon { .. },
        "the last wave of 1.4.0 begins at 2026-07-19T00:00:00Z; set enforce_from to 2026-08-02T00:00:00Z or later (14d of grace)",
        |stage| stage.roll_out("1.4.0", &[("2026-05-01T00:00:00Z", 10), ("2026-07-19T00:00:00Z", 100)]);
    a_minimum_above_what_is_rolled_out: Refusal::NotRolledOut { .. },
        "1.4.0 is offered to 10 of 100 printers now and to 10 on the date",
        |stage| stage.roll_out("1.4.0", &[("2026-05-01T00:00:00Z", 10), ("2026-08-02T00:00:00Z", 100)]);
    a_capability_that_no_release_has: Refusal::Uncovered { .. },
        "https-transfer, for first-mini on stable: no release on offer has https-transfer",
        without_the_capability;
    evidence_that_is_not_there: Refusal::Evidence { problem: Problem::NotSigned, .. },
        "relies on 1.4.0 for virt-armv7 on stable, and its evidence is not there",
        |stage| { stage.evidence.remove(EVIDENCE); stage.publish(); };
    evidence_that_was_exchanged: Refusal::Evidence { problem: Problem::OtherFile, .. },
        "its evidence is another file than the one that it names",
        exchanged_evidence;
    evidence_that_is_no_statement: Refusal::Evidence { problem: Problem::NoStatement, .. },
        "its evidence is no in-toto statement",
        |stage| stage.attach_to_1_4(|_, _| b"{\"https-transfer\": true}".to_vec());
    evidence_about_another_bundle: Refusal::Evidence { problem: Problem::OtherSubject, .. },
        "its evidence is about another bundle",
        |stage| stage.attach_to_1_4(|_, other| evidence(other, &[RULE]));
    evidence_that_shows_something_else: Refusal::Evidence { problem: Problem::NotShown, .. },
        "its evidence does not show the capability",
        |stage| stage.attach_to_1_4(|release, _| evidence(release, &["lan-mqtts"]));
    a_warning_too_shortly_before: Refusal::ShortNotice { shortfall: Shortfall::Between { .. }, .. },
        "it warns from 2026-07-15T00:00:00Z on and enforces from 2026-08-01T00:00:00Z on; set enforce_from to 2026-08-14T00:00:00Z or later (30d of notice)",
        |stage| stage.rules("2026-07-15T00:00:00Z", ENFORCE);
    a_date_in_the_past_that_was_never_announced: Refusal::ShortNotice { shortfall: Shortfall::Backdated { .. }, .. },
        "it was never announced, and would have warned since 2026-05-01T00:00:00Z; set warn_from to a time that has not come yet",
        |stage| stage.rules("2026-05-01T00:00:00Z", ENFORCE);
    sooner_than_was_announced: Refusal::ShortNotice { shortfall: Shortfall::Tightened { .. }, .. },
        "it was announced for 2026-08-01T00:00:00Z, and it is enforced from 2026-06-20T00:00:00Z on",
        |stage| { stage.put_in_force(); stage.rules(WARN, "2026-06-20T00:00:00Z"); };
    loosened_without_saying_so: Refusal::Loosened { .. },
        "it is enforced later, from 2026-09-01T00:00:00Z on; say why with --relax https-transfer --why TEXT",
        |stage| { stage.put_in_force(); stage.rules(WARN, "2026-09-01T00:00:00Z"); };
}

/// The target that 1.4.0 for virt-armv7 names as its evidence.
const EVIDENCE: &str = "stable-1.4.0-virt-armv7.evidence.json";

/// The refusal of this row is found and printed, says what to do after its semicolon, and is not signed.
fn assert_refused(name: &str, printed: &str, provoke: impl FnOnce(&mut Stage)) {
    let mut stage = Stage::new();
    provoke(&mut stage);
    let report = stage.try_plan().unwrap();
    let mut refusals = report.plan.refusals.iter();
    let text = refusals
        .find(|refusal| row(refusal) == name && refusal.to_string().contains(printed))
        .unwrap_or_else(|| panic!("{:#?}", report.plan.refusals))
        .to_string();
    assert!(text.contains("; "), "{text}");
    assert!(report.to_string().contains(&format!("  - {text}\n")));
    let before = stage.workshop.contents();
    let error = stage.apply().unwrap_err();
    assert!(error.is::<Stopped>(), "{error:#}");
    assert!(format!("{error:#}").contains(&text), "{error:#}");
    assert_eq!(stage.workshop.contents(), before);
}

/// 1.2.0 may not jump to 1.4.0, and its stepping stone was yanked.
fn yank_the_stepping_stone(stage: &mut Stage) {
    for board in ["virt-armv7", "virt-aarch64"] {
        stage.release("1.4.0", board).floor = Some("1.3.0".parse().unwrap());
        stage.release("1.3.0", board).yanked = Some("it burns".to_owned());
    }
    stage.publish();
}

fn without_the_capability(stage: &mut Stage) {
    stage.releases.retain(|release| release.version.minor < 4);
    stage.publish();
}

fn exchanged_evidence(stage: &mut Stage) {
    let release = stage.release("1.4.0", "virt-armv7").clone();
    let other = evidence(&release, &[RULE, "lan-mqtts"]);
    stage.evidence.insert(EVIDENCE.to_owned(), other);
    stage.publish();
}
