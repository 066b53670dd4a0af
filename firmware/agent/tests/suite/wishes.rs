//! What an owner may wish for: a version by its name, also an older one; to skip one; to wait.

use firstlayer_agent::*;
use semver::Version;

use crate::{
    printer::{TestPrinter, running},
    repository::{Repository, image},
};

/// 1.0.0 to 1.2.0 with one counter, and 1.3.0 that closes a hole; the printer runs 1.1.0.
fn scene() -> (Repository, TestPrinter) {
    let mut repository = Repository::new();
    for (minor, counter) in [(0, 1), (1, 1), (2, 1), (3, 2)] {
        repository.release(&format!("1.{minor}.0"), counter, &image(minor, 30_000));
    }
    let mut printer = TestPrinter::new(repository.trust_anchor());
    printer.setup.running = running("1.1.0", 1);
    (repository, printer)
}

fn counter_of(version: &str) -> u64 {
    if version == "1.3.0" { 2 } else { 1 }
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn ask(printer: &TestPrinter, repository: &Repository, wanted: &str) -> Installed {
    let mut folder = FolderFetch::new(repository.path());
    let wanted = version(wanted);
    let installed = printer
        .with(|agent| agent.install(Some(&wanted), &mut folder, &mut Silent))
        .unwrap();
    installed.unwrap()
}

fn install(printer: &TestPrinter, repository: &Repository) -> Installed {
    printer
        .install(&mut FolderFetch::new(repository.path()))
        .unwrap()
}

fn check(printer: &TestPrinter, repository: &Repository) -> CheckReport {
    let mut folder = FolderFetch::new(repository.path());
    let checked = printer
        .with(|agent| agent.check(&mut folder, &mut Silent))
        .unwrap();
    checked.unwrap()
}

fn skip(printer: &TestPrinter, wanted: Option<&str>) -> Vec<Version> {
    let wanted = wanted.map(version);
    let skipped = printer
        .with(|agent| agent.skip(wanted.as_ref()).map(<[_]>::to_vec))
        .unwrap();
    skipped.unwrap()
}

fn postpone(printer: &TestPrinter, time: Option<&str>) -> Option<jiff::Timestamp> {
    let time = time.map(|time| time.parse().unwrap());
    printer.with(|agent| agent.postpone(time)).unwrap().unwrap()
}

#[test]
fn an_older_release_of_the_same_counter_is_installed_tried_and_confirmed_when_asked_for() {
    let (repository, mut printer) = scene();
    let installed = ask(&printer, &repository, "1.0.0");
    assert_eq!(installed.installed, Some(version("1.0.0")));
    assert_eq!(installed.check.outcome, Outcome::UpdateAvailable);
    // It waits through checks, though it is not newer.
    assert_eq!(
        check(&printer, &repository).outcome,
        Outcome::UpdateAvailable
    );
    assert_eq!(printer.record().state, State::PendingReboot);
    assert_eq!(printer.boot(counter_of), Slot::B);
    printer.with(|agent| agent.confirm()).unwrap().unwrap();
    assert_eq!(printer.status().running, version("1.0.0"));
    // And the newest is offered again, as to anyone who runs 1.0.0.
    let report = check(&printer, &repository);
    assert_eq!(report.release.unwrap().version, version("1.3.0"));
}

#[test]
fn below_the_confirmed_counter_there_is_no_way_back() {
    let (repository, mut printer) = scene();
    install(&printer, &repository);
    printer.boot(counter_of);
    printer.with(|agent| agent.confirm()).unwrap().unwrap();
    let refused = ask(&printer, &repository, "1.2.0");
    assert_eq!(
        (refused.installed, refused.check.outcome),
        (None, Outcome::NothingFits)
    );
    let why = &refused.check.on_request[0];
    assert_eq!(why.version, version("1.2.0"));
    assert!(why.against[0].contains("counter is lower"), "{why:?}");
    assert_eq!(printer.record().state, State::Idle);
}

#[test]
fn asking_for_what_runs_or_is_not_there_installs_nothing() {
    let (repository, printer) = scene();
    for (wanted, outcome) in [("1.1.0", Outcome::UpToDate), ("1.1.1", Outcome::NotListed)] {
        let asked = ask(&printer, &repository, wanted);
        assert_eq!((asked.installed, asked.check.outcome), (None, outcome));
        assert_eq!(asked.check.asked, Some(version(wanted)));
    }
    // Nor is something else that waits taken for it.
    install(&printer, &repository);
    assert_eq!(ask(&printer, &repository, "1.1.0").installed, None);
    assert_eq!(printer.record().state, State::PendingReboot);
}

#[test]
fn what_is_asked_for_takes_the_place_of_what_waits() {
    let (repository, mut printer) = scene();
    install(&printer, &repository);
    assert_eq!(
        ask(&printer, &repository, "1.2.0").installed,
        Some(version("1.2.0"))
    );
    printer.boot(counter_of);
    assert_eq!(printer.status().running, version("1.2.0"));
}

#[test]
fn an_asked_for_release_that_waits_is_taken_back_once_it_is_yanked() {
    let (mut repository, mut printer) = scene();
    ask(&printer, &repository, "1.0.0");
    repository.releases[0].yanked = Some("it melts".to_owned());
    repository.publish();
    check(&printer, &repository);
    assert_eq!(printer.record().state, State::Idle);
    assert_eq!(printer.boot(counter_of), Slot::A);
}

#[test]
fn a_skipped_release_is_not_offered_until_it_is_asked_for() {
    let (repository, printer) = scene();
    assert_eq!(skip(&printer, Some("1.3.0")), [version("1.3.0")]);
    assert_eq!(printer.status().wishes.skipped, [version("1.3.0")]);
    let report = check(&printer, &repository);
    assert_eq!(report.release.unwrap().version, version("1.2.0"));
    assert_eq!(skip(&printer, Some("1.2.0")).len(), 2);
    let declined = install(&printer, &repository);
    assert_eq!(
        (declined.installed, declined.check.outcome),
        (None, Outcome::Declined)
    );
    assert_eq!(
        ask(&printer, &repository, "1.3.0").installed,
        Some(version("1.3.0"))
    );
    // It waits on, skipped as it is: the later wish counts.
    check(&printer, &repository);
    assert_eq!(printer.record().state, State::PendingReboot);
    assert!(skip(&printer, None).is_empty());
}

#[test]
fn skipping_what_waits_takes_it_back_at_once_and_nothing_is_held_against_it() {
    let (repository, mut printer) = scene();
    install(&printer, &repository);
    skip(&printer, Some("1.2.0"));
    assert_eq!(printer.record().state, State::PendingReboot);
    skip(&printer, Some("1.3.0"));
    assert_eq!(printer.record().state, State::Idle);
    assert!(printer.record().refused.is_empty());
    assert_eq!(printer.boot(counter_of), Slot::A);
}

#[test]
fn a_postponed_update_is_offered_again_when_the_time_has_come_or_the_owner_says_so() {
    let (repository, mut printer) = scene();
    let until = postpone(&printer, Some("7d")).unwrap();
    assert_eq!(until.to_string(), "2026-06-08T00:00:00Z");
    let report = check(&printer, &repository);
    assert_eq!(
        (report.outcome, report.wishes.postponed_until),
        (Outcome::Declined, Some(until))
    );
    printer.clock.now = until;
    assert_eq!(
        check(&printer, &repository).outcome,
        Outcome::UpdateAvailable
    );
    assert_eq!(printer.status().wishes.postponed_until, None);
    postpone(&printer, Some("1h"));
    assert_eq!(check(&printer, &repository).outcome, Outcome::Declined);
    assert_eq!(postpone(&printer, None), None);
    assert_eq!(
        check(&printer, &repository).outcome,
        Outcome::UpdateAvailable
    );
}

#[test]
fn what_waits_for_its_reboot_is_not_postponed() {
    let (repository, mut printer) = scene();
    install(&printer, &repository);
    postpone(&printer, Some("7d"));
    let again = install(&printer, &repository);
    assert_eq!(again.installed, Some(version("1.3.0")));
    assert_eq!(printer.boot(counter_of), Slot::B);
}

#[test]
fn a_clock_that_ran_ahead_does_not_silence_updates_for_ever() {
    let (repository, mut printer) = scene();
    let right = printer.clock.now;
    printer.clock.now = "2099-01-01T00:00:00Z".parse().unwrap();
    postpone(&printer, Some("7d"));
    printer.clock.now = right;
    assert_eq!(
        check(&printer, &repository).outcome,
        Outcome::UpdateAvailable
    );
}

#[test]
fn a_record_from_before_there_were_wishes_is_read() {
    let (repository, printer) = scene();
    install(&printer, &repository);
    let path = printer.path().join("agent.json");
    let mut record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (place, key) in [
        ("", "skipped"),
        ("", "postponed_until"),
        ("/target", "asked"),
    ] {
        let object = record.pointer_mut(place).unwrap().as_object_mut().unwrap();
        assert!(object.remove(key).is_some());
    }
    std::fs::write(&path, record.to_string()).unwrap();
    assert_eq!(printer.record().state, State::PendingReboot);
    assert!(
        printer
            .status()
            .problems
            .iter()
            .all(|problem| !problem.contains("damaged"))
    );
}
