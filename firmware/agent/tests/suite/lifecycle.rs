//! From one release to the next: install, trial, confirmation, fall back, and everything that is refused.

use std::fs;

use firstlayer_agent::*;
use firstlayer_bundle::Counter;

use crate::{
    printer::{FACTORY, TestPrinter, running},
    repository::{Repository, image},
};

/// A repository with 1.1.0 (counter 2), and a printer that runs 1.0.0 (counter 1).
fn printer_with_update() -> (Repository, TestPrinter) {
    let mut repository = Repository::new();
    repository.release("1.1.0", 2, &image(1, 50_000));
    let printer = TestPrinter::new(repository.trust_anchor());
    (repository, printer)
}

fn counter_of(version: &str) -> u64 {
    match version {
        FACTORY => 1,
        _ => 2,
    }
}

fn folder(repository: &Repository) -> FolderFetch {
    FolderFetch::new(repository.path())
}

fn check(printer: &TestPrinter, repository: &Repository) -> Outcome {
    let mut folder = folder(repository);
    let checked = printer
        .with(|agent| agent.check(&mut folder, &mut Silent))
        .unwrap();
    checked.unwrap().outcome
}

#[test]
fn a_release_is_installed_tried_and_confirmed() {
    let (repository, mut printer) = printer_with_update();
    let installed = printer.install(&mut folder(&repository)).unwrap();
    assert_eq!(installed.installed.unwrap().to_string(), "1.1.0");
    assert_eq!(printer.record().state, State::PendingReboot);
    assert_eq!(
        fs::read(printer.slots().path(Slot::B)).unwrap(),
        image(1, 50_000)
    );
    assert_eq!(printer.boot(counter_of), Slot::B);
    assert_eq!(printer.status().state, State::Trial);
    assert_eq!(printer.record().counter, Counter::default());
    printer.with(|agent| agent.confirm()).unwrap().unwrap();
    assert_eq!(printer.record().state, State::Confirmed);
    assert_eq!(printer.record().counter, Counter::new(2).unwrap());
    assert_eq!(
        printer.slots().boot().unwrap(),
        BootRecord {
            active: Slot::B,
            running: Slot::B,
            trial: None
        }
    );
    assert_eq!(check(&printer, &repository), Outcome::UpToDate);
}

#[test]
fn a_trial_that_is_not_confirmed_falls_back_and_is_not_tried_again() {
    let (repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    let boots = [(); 3].map(|()| printer.boot(counter_of));
    assert_eq!(boots, [Slot::B, Slot::B, Slot::A]);
    assert_eq!(printer.status().state, State::RolledBack);
    let again = printer.install(&mut folder(&repository)).unwrap();
    assert_eq!(
        (again.installed, again.check.outcome),
        (None, Outcome::NothingFits)
    );
    assert_eq!(printer.record().counter, Counter::default());
    assert!(printer.record().refused[0].why.contains("did not confirm"));
}

#[test]
fn a_trial_is_given_up_by_hand_and_its_slot_is_not_written_while_it_runs() {
    let (mut repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    printer.boot(counter_of);
    assert!(printer.with(|agent| agent.rollback()).unwrap().unwrap());
    repository.release("1.2.0", 2, &image(2, 50_000));
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::RebootFirst)
    ));
    assert_eq!(printer.boot(counter_of), Slot::A);
    assert_eq!(
        printer
            .install(&mut folder(&repository))
            .unwrap()
            .installed
            .unwrap()
            .to_string(),
        "1.2.0"
    );
}

#[test]
fn a_release_that_waits_is_not_installed_again_and_one_on_trial_not_replaced() {
    let (repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    let (record, written) = (printer.record(), printer.slots().boot().unwrap());
    // Nothing of the bundle is asked for.
    fs::remove_file(
        repository
            .path()
            .join(repository.bundle_path(&repository.releases[0])),
    )
    .unwrap();
    let again = printer.install(&mut folder(&repository)).unwrap();
    assert_eq!(again.installed.unwrap().to_string(), "1.1.0");
    assert_eq!(
        (printer.record(), printer.slots().boot().unwrap()),
        (record, written)
    );
    printer.boot(counter_of);
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::State(_))
    ));
}

#[test]
fn a_release_that_waits_is_taken_back_once_it_is_yanked_and_may_come_again() {
    let (mut repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    let yank = |repository: &mut Repository, why: Option<&str>| {
        repository.releases[0].yanked = why.map(str::to_owned);
        repository.publish();
    };
    yank(&mut repository, Some("it scratches the bed"));
    assert_eq!(check(&printer, &repository), Outcome::UpToDate);
    assert_eq!(printer.record().state, State::Idle);
    assert!(printer.record().target.is_none() && printer.record().refused.is_empty());
    assert_eq!(printer.boot(counter_of), Slot::A);
    yank(&mut repository, None);
    assert!(
        printer
            .install(&mut folder(&repository))
            .unwrap()
            .installed
            .is_some()
    );
    assert_eq!(printer.boot(counter_of), Slot::B);
}

#[test]
fn a_release_that_waits_gives_way_to_a_newer_one_when_that_is_installed() {
    let (mut repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    repository.release("1.2.0", 2, &image(2, 50_000));
    assert_eq!(check(&printer, &repository), Outcome::UpdateAvailable);
    assert_eq!(
        printer.record().target.unwrap().version.to_string(),
        "1.1.0"
    );
    assert!(printer.slots().boot().unwrap().trial.is_some());
    let installed = printer.install(&mut folder(&repository)).unwrap().installed;
    assert_eq!(installed.unwrap().to_string(), "1.2.0");
    assert_eq!(printer.boot(counter_of), Slot::B);
    assert_eq!(
        fs::read(printer.slots().path(Slot::B)).unwrap(),
        image(2, 50_000)
    );
}

#[test]
fn a_check_that_fails_leaves_what_waits_alone() {
    let (repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    assert!(
        printer
            .install(&mut FolderFetch::new("/unplugged"))
            .is_err()
    );
    assert_eq!(printer.record().state, State::PendingReboot);
    assert!(printer.record().problem.is_some() && printer.record().refused.is_empty());
    assert_eq!(printer.boot(counter_of), Slot::B);
    assert_eq!(printer.status().state, State::Trial);
}

#[test]
fn confirming_without_a_trial_is_refused() {
    let (_repository, printer) = printer_with_update();
    let error = printer.with(|agent| agent.confirm()).unwrap().unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
}

#[test]
fn development_keys_are_refused_by_a_build_for_printers_and_named_by_others() {
    let (repository, mut printer) = printer_with_update();
    printer.setup.trust_anchor = repository.development_anchor();
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::DevelopmentKeys)
    ));
    assert!(printer.status().development_keys);
    printer.setup.refuse_development = false;
    let problems = printer.status().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("development keys")),
        "{problems:?}"
    );
}

#[test]
fn a_bundle_signed_by_beta_is_not_installed_on_stable() {
    let (mut repository, printer) = printer_with_update();
    repository.bundles_signed_by = "beta";
    repository.publish();
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::OtherRole { .. })
    ));
}

#[test]
fn a_bundle_that_holds_another_release_is_refused_and_remembered() {
    let mut repository = Repository::new();
    repository.release_as("1.1.0", "0.9.0", 2, &image(1, 50_000));
    let printer = TestPrinter::new(repository.trust_anchor());
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::Hardware { .. })
    ));
    assert_eq!(printer.record().refused.len(), 1);
}

#[test]
fn an_image_larger_than_its_slot_is_refused_before_it_is_fetched() {
    let (repository, mut printer) = printer_with_update();
    printer.capacity = 49_999;
    let refused = printer.install(&mut folder(&repository)).unwrap_err();
    assert!(matches!(
        refused,
        AgentError::TooLarge {
            length: 50_000,
            capacity: 49_999,
            ..
        }
    ));
    assert!(!printer.slots().path(Slot::B).exists());
}

#[test]
fn a_lower_counter_is_never_installed() {
    let (repository, mut printer) = printer_with_update();
    printer.setup.running = running(FACTORY, 3);
    let outcome = printer
        .install(&mut folder(&repository))
        .unwrap()
        .check
        .outcome;
    assert_eq!(outcome, Outcome::NothingFits);
}

#[test]
fn expired_metadata_is_refused_and_status_says_so() {
    let (repository, mut printer) = printer_with_update();
    check(&printer, &repository);
    printer.clock.now = "2027-02-01T00:00:00Z".parse().unwrap();
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::Metadata(_))
    ));
    let problems = printer.status().problems.join("\n");
    assert!(
        problems.contains("expired at 2027-01-01") && problems.contains("runs on"),
        "{problems}"
    );
    // A clock that ran ahead leaves no trace once it is set right.
    printer.clock.now = "2026-06-02T00:00:00Z".parse().unwrap();
    assert!(printer.install(&mut folder(&repository)).is_ok());
}

#[test]
fn a_clock_that_a_power_cut_set_back_does_not_make_expired_metadata_fresh() {
    let (mut repository, mut printer) = printer_with_update();
    check(&printer, &repository);
    repository.expires = "2026-05-01T00:00:00Z".parse().unwrap();
    repository.publish();
    printer.clock.now = jiff::Timestamp::UNIX_EPOCH;
    assert!(matches!(
        printer.install(&mut folder(&repository)),
        Err(AgentError::Metadata(_))
    ));
    assert!(
        printer
            .status()
            .problems
            .iter()
            .any(|problem| problem.contains("the clock shows 1970-01-01"))
    );
}

#[test]
fn a_build_time_in_the_future_does_not_expire_everything() {
    let (mut repository, printer) = printer_with_update();
    repository.releases[0].built = "2099-01-01T00:00:00Z".parse().unwrap();
    repository.publish();
    check(&printer, &repository);
    assert_eq!(printer.record().latest_time, printer.clock.now);
    assert!(printer.install(&mut folder(&repository)).is_ok());
}

#[test]
fn a_damaged_record_is_begun_anew_and_said() {
    let (repository, printer) = printer_with_update();
    fs::write(printer.path().join("agent.json"), b"{").unwrap();
    assert!(printer.status().problems[0].contains("damaged"));
    assert!(printer.install(&mut folder(&repository)).is_ok());
}

#[test]
fn a_slot_that_does_not_take_bytes_is_the_printers_fault_and_not_the_bundles() {
    let (repository, printer) = printer_with_update();
    printer.power.set(6);
    let error = printer.install(&mut folder(&repository)).unwrap_err();
    assert_eq!(error.fault(), Fault::Storage);
    printer.power.set(u32::MAX);
    assert!(printer.record().refused.is_empty());
    assert!(
        printer
            .install(&mut folder(&repository))
            .unwrap()
            .installed
            .is_some()
    );
}

#[test]
fn a_blessed_slot_that_was_changed_afterwards_is_not_booted() {
    let (repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    let slot = printer.slots().path(Slot::B);
    let mut bytes = fs::read(&slot).unwrap();
    bytes[49_999] ^= 1;
    fs::write(&slot, bytes).unwrap();
    assert_eq!(printer.boot(counter_of), Slot::A);
    assert_eq!(printer.status().state, State::RolledBack);
}

#[test]
fn a_blessed_slot_whose_image_is_lost_is_not_booted() {
    let (repository, mut printer) = printer_with_update();
    printer.install(&mut folder(&repository)).unwrap();
    fs::remove_file(printer.slots().path(Slot::B)).unwrap();
    assert_eq!(printer.boot(counter_of), Slot::A);
    assert_eq!(printer.status().state, State::RolledBack);
}
