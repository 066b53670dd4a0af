//! The commands as a printer runs them: configuration, lock, slots and reports, over a repository on a stick.

// Clippy spares test functions by itself, and not the helpers that they call.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../../agent/tests/suite/repository.rs"]
mod repository;

use std::{
    fs::{self, File},
    path::PathBuf,
    time::Duration,
};

use firstlayer_agent::{Outcome, Slot, State};
use firstlayer_bundle::{Counter, Identity};
use firstlayer_policy::RunningRelease;
use printerd::{
    exit::Exit,
    place::Place,
    update::{Command, Report, Request, Source, Standing, run},
};
use repository::{Repository, image};

struct Printer {
    home: tempfile::TempDir,
    stick: Repository,
}

impl Printer {
    fn new() -> Self {
        let mut stick = Repository::new();
        stick.release("1.1.0", 2, &image(1, 50_000));
        let printer = Self {
            home: tempfile::tempdir().unwrap(),
            stick,
        };
        printer.put(
            "root/usr/share/printerd/root.json",
            &printer.stick.trust_anchor(),
        );
        printer.run_release("1.0.0", 1);
        printer.put("config.toml", printer.config().as_bytes());
        printer
    }

    fn config(&self) -> String {
        format!(
            "board = 'virt-armv7'\nmodel = 'first-mini'\nchannel = 'stable'\nrepository = 'http://127.0.0.1:9/'\n\
             state = '{}'\n[slots]\ncapacity = 100000\n[network]\nattempts = 1\n",
            self.path("state").display()
        )
    }

    /// What the running image says of itself.
    fn run_release(&self, version: &str, counter: u64) {
        let identity = Identity {
            board: "virt-armv7".parse().unwrap(),
            models: vec!["first-mini".parse().unwrap()],
            version: version.parse().unwrap(),
            counter: Counter::new(counter).unwrap(),
        };
        let release = RunningRelease::new(identity, "2026-01-01T00:00:00Z".parse().unwrap());
        self.put(
            "root/usr/share/printerd/release.json",
            &release.to_bytes().unwrap(),
        );
    }

    fn run(&self, command: Command) -> Result<Report, Exit> {
        self.run_with(Some(self.path("config.toml")), command)
    }

    fn run_with(&self, config: Option<PathBuf>, command: Command) -> Result<Report, Exit> {
        run(&Request {
            command,
            place: Place {
                config,
                root: self.path("root"),
            },
            quiet: true,
            patience: Duration::ZERO,
        })
        .map_err(|error| Exit::of(&error))
    }

    fn install(&self) -> Result<Report, Exit> {
        self.run(Command::Install {
            source: self.source(),
            version: None,
            reboot: false,
        })
    }

    fn ask(&self, version: &str) -> Result<Report, Exit> {
        self.run(Command::Install {
            source: self.source(),
            version: Some(version.parse().unwrap()),
            reboot: false,
        })
    }

    fn source(&self) -> Source {
        Source::Folder(self.stick.path().to_owned())
    }

    fn status(&self) -> Standing {
        match self.run(Command::Status) {
            Ok(Report::Status(standing)) => *standing,
            other => panic!("{other:?} is no status"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn an_update_from_a_stick_goes_all_the_way() {
    let printer = Printer::new();
    let Ok(Report::Install(installed)) = printer.install() else {
        panic!("nothing installed")
    };
    assert_eq!(installed.installed.unwrap().to_string(), "1.1.0");
    let Ok(Report::SimulateBoot { boot, image: path }) = printer.run(Command::SimulateBoot) else {
        panic!("no boot")
    };
    assert_eq!(boot.running, Slot::B);
    assert_eq!(fs::read(path).unwrap(), image(1, 50_000));
    printer.run_release("1.1.0", 2);
    assert_eq!(printer.status().status.state, State::Trial);
    assert!(matches!(
        printer.run(Command::Confirm),
        Ok(Report::Confirm { .. })
    ));
    assert_eq!(printer.status().status.state, State::Confirmed);
    let Ok(Report::Install(again)) = printer.install() else {
        panic!("no second check")
    };
    assert_eq!(
        (again.installed, again.check.outcome),
        (None, Outcome::UpToDate)
    );
}

#[test]
fn two_commands_do_not_write_at_once() {
    let printer = Printer::new();
    fs::create_dir_all(printer.path("state")).unwrap();
    let held = File::create(printer.path("state/lock")).unwrap();
    held.lock().unwrap();
    assert_eq!(printer.install().unwrap_err(), Exit::Busy);
    assert!(printer.status().busy);
    held.unlock().unwrap();
    assert!(printer.install().is_ok());
    assert!(!printer.status().busy);
}

#[test]
fn a_network_that_is_not_there_is_said_and_remembered() {
    let printer = Printer::new();
    assert_eq!(
        printer.run(Command::Check(Source::Repository)).unwrap_err(),
        Exit::Network
    );
    let status = printer.status().status;
    assert_eq!(status.state, State::Idle);
    assert!(
        status.problems[0].contains("connection to the repository failed"),
        "{:?}",
        status.problems
    );
}

#[test]
fn confirming_nothing_is_a_matter_of_state() {
    assert_eq!(
        Printer::new().run(Command::Confirm).unwrap_err(),
        Exit::State
    );
}

#[test]
fn a_configuration_for_another_board_is_refused() {
    let printer = Printer::new();
    printer.put(
        "config.toml",
        printer.config().replace("armv7", "aarch64").as_bytes(),
    );
    assert_eq!(printer.run(Command::Status).unwrap_err(), Exit::Usage);
}

#[test]
fn a_printers_own_settings_outlive_its_image() {
    let printer = Printer::new();
    let image = |channel: &str| printer.config().replace("stable", channel);
    let channel = || match printer.run_with(None, Command::Status) {
        Ok(Report::Status(standing)) => standing.status.channel.to_string(),
        other => panic!("{other:?} is no status"),
    };
    printer.put("root/etc/printerd/config.toml", image("beta").as_bytes());
    assert_eq!(channel(), "beta");
    printer.put("state/config.toml", b"channel = 'nightly'");
    assert_eq!(channel(), "nightly");
    // The next image brings other defaults, and they are only that.
    printer.put("root/etc/printerd/config.toml", image("stable").as_bytes());
    assert_eq!(channel(), "nightly");
}

#[test]
fn status_changes_nothing() {
    let printer = Printer::new();
    assert!(printer.status().status.problems.len() <= 1);
    assert!(!printer.path("state").exists());
}

#[test]
fn storage_that_cannot_be_written_is_said() {
    let printer = Printer::new();
    let state = format!("{}", printer.path("state").display());
    // A file system without a free block: writing to it fails as on a full disk, also for root.
    let config = printer.config().replace(&state, "/proc");
    printer.put("config.toml", config.as_bytes());
    let problems = printer.status().status.problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("/proc cannot be written")),
        "{problems:?}"
    );
}

fn said(report: &Report) -> String {
    let mut text = Vec::new();
    printerd::render::report(&mut text, report, false).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn an_owner_may_skip_and_postpone_and_ask_for_an_older_release() {
    let mut printer = Printer::new();
    printer.stick.release("1.2.0", 2, &image(2, 50_000));
    printer.run_release("1.2.0", 2);
    printer.stick.release("1.3.0", 2, &image(3, 50_000));
    let check = || {
        let report = printer.run(Command::Check(printer.source())).unwrap();
        said(&report)
    };
    let offered = check();
    assert!(
        offered.contains("1.3.0 is available on stable"),
        "{offered}"
    );
    assert!(offered.contains("with --version also: 1.1.0"), "{offered}");

    let skipped = printer.run(Command::Skip(Some("1.3.0".parse().unwrap())));
    assert_eq!(said(&skipped.unwrap()), "skipped: 1.3.0\n");
    let declined = check();
    assert!(
        declined.contains("that its owner skipped or postponed")
            && declined.contains("not 1.3.0: the owner skipped it"),
        "{declined}"
    );
    let none = printer.run(Command::Skip(None)).unwrap();
    assert_eq!(said(&none), "no version is skipped\n");

    let week = "7d".parse().unwrap();
    let postponed = printer.run(Command::Postpone(Some(week))).unwrap();
    assert!(said(&postponed).starts_with("no update is offered until 20"));
    assert!(check().contains("the owner postponed updates until"));
    let status = said(&printer.run(Command::Status).unwrap());
    assert!(status.contains("postponed until: 20"), "{status}");

    let back = printer.ask("1.1.0").unwrap();
    assert_eq!(said(&back), "1.1.0 is installed: reboot to try it\n");
    assert_eq!(back.exit(), Exit::Done);
}

#[test]
fn a_version_that_cannot_be_had_is_said_with_its_reason_and_a_code() {
    let printer = Printer::new();
    printer.run_release("1.2.0", 3);
    for (wanted, text) in [
        (
            "1.1.0",
            "1.1.0 on stable cannot be installed over 1.2.0\n  not 1.1.0: its counter is lower than 3, the printer's\n",
        ),
        ("7.0.0", "stable has no release 7.0.0 for this board\n"),
    ] {
        let report = printer.ask(wanted).unwrap();
        assert_eq!(said(&report), text);
        assert_eq!(report.exit(), Exit::NothingFits);
    }
    let runs = printer.ask("1.2.0").unwrap();
    assert_eq!(
        (said(&runs).as_str(), runs.exit()),
        ("1.2.0 runs already\n", Exit::Done)
    );
}
