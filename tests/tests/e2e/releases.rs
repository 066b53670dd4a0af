//! `cargo xtask release`, interrupted: what clients see is the old repository or the new one, and the next run finishes.
//!
//! The old repository has a release on stable. What is interrupted is the release of the same commit to beta.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use firstlayer_tests::fixture::BOARDS;
use firstlayer_tests::printer::LIMIT;
use firstlayer_tests::process::{Process, run, run_ok};
use firstlayer_tests::release::{self, published, release_into};
use firstlayer_tests::seed::places;
use firstlayer_tests::server::Server;
use firstlayer_tests::skip;
use firstlayer_tests::workshop::xtask;
use rustix::process::Signal;

/// How often a release is interrupted.
const KILLS: u32 = 10;
const INTERRUPTS: u32 = 3;

#[test]
fn killed_at_ten_random_events() {
    for event in places("kill", KILLS, events()) {
        interrupted(Signal::KILL, event);
    }
}

#[test]
fn interrupted_at_three_random_events() {
    for event in places("interrupt", INTERRUPTS, events()) {
        interrupted(Signal::INT, event);
    }
}

/// How many lines a whole release of this kind prints: the events at which it can be interrupted.
fn events() -> u64 {
    static EVENTS: OnceLock<u64> = OnceLock::new();
    *EVENTS.get_or_init(|| {
        let repository = old_repository();
        let output = run(&mut release_into(repository.path(), "beta"), release::LIMIT);
        output
            .expect_success("cargo xtask release")
            .stderr
            .lines()
            .count() as u64
    })
}

fn interrupted(signal: Signal, event: u64) {
    let repository = old_repository();
    let mut process = Process::spawn(&mut release_into(repository.path(), "beta"));
    let lines = usize::try_from(event).unwrap() + 1;
    assert!(
        process.wait_for_lines(lines, release::LIMIT),
        "it printed fewer than {lines} lines"
    );
    process.signal(signal);
    // It may have been at its end already, or be where an interruption has to wait.
    process.finish(release::LIMIT);
    assert_survived(repository.path());
}

/// On a file system too small for the new release, in a mount namespace of its own.
#[test]
fn a_full_disk_leaves_the_old_repository() {
    const SCRIPT: &str = r#"mount -t tmpfs -o size="$1" none "$2" && cp -r "$3/." "$2" || exit 77; out="$3"; there="$2"; shift 3
        "$@"; code=$?; rm -rf "$out"/* && cp -r "$there/." "$out"; exit $code"#;
    let allowed = run(Command::new("unshare").args(["-rm", "true"]), LIMIT);
    if !allowed.succeeded() {
        skip!("no mount namespaces for this user: {}", allowed.stderr);
    }
    for spare in [16 << 10, 300 << 10] {
        let (repository, small) = (old_repository(), tempfile::tempdir().unwrap());
        let size = used(repository.path()) + spare;
        let base = release_into(small.path(), "beta");
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", SCRIPT, "sh", &size.to_string()])
            .arg(small.path())
            .arg(repository.path());
        command
            .current_dir(base.get_current_dir().unwrap())
            .arg(base.get_program())
            .args(base.get_args());
        let output = run(&mut command, release::LIMIT);
        assert!(!output.succeeded(), "{spare} bytes were enough: {output}");
        assert!(
            output.stderr.contains("No space left on device"),
            "{output}"
        );
        assert_survived(repository.path());
    }
}

/// Clients go on with the old repository, and the next run finishes the job, and the one after it finds it done.
fn assert_survived(repository: &Path) {
    assert_downloads(repository, "stable");
    let finished = run(&mut release_into(repository, "beta"), release::LIMIT);
    finished.expect_success("the release after the interrupted one");
    assert_downloads(repository, "stable");
    assert_downloads(repository, "beta");
}

/// The stock command line of our client, with the published root, and no state of its own.
fn assert_downloads(repository: &Path, channel: &str) {
    let (server, folder) = (Server::of(repository), tempfile::tempdir().unwrap());
    let client = || {
        let mut client = Command::new(env!("CARGO_BIN_EXE_tuf-client"));
        client
            .arg("--metadata-dir")
            .arg(folder.path().join("metadata"));
        client
    };
    run_ok(
        client().arg("init").arg(repository.join("root.json")),
        LIMIT,
    );
    let mut download = client();
    download.args(["--metadata-url", &format!("{}/metadata", server.url())]);
    download.args(["--target-base-url", &format!("{}/targets", server.url())]);
    download.arg("--target-dir").arg(folder.path());
    for board in BOARDS {
        let bundle = published().bundle(board).replacen("stable", channel, 1);
        download.args(["--target-name", &bundle]);
    }
    run_ok(
        download.args(["--target-name", &format!("{channel}.json"), "download"]),
        LIMIT,
    );
}

/// A copy of the repository with the release on stable.
fn old_repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run_ok(
        Command::new("cp")
            .arg("-r")
            .arg(published().folder.join("."))
            .arg(folder.path()),
        LIMIT,
    );
    folder
}

/// Bytes that a folder takes on a file system with pages of 4 KiB.
fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let sizes = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => 4096 + used(&entry.path()),
        false => entry.metadata().unwrap().len().next_multiple_of(4096),
    });
    sizes.sum()
}

#[test]
fn a_second_run_changes_nothing() {
    let before = published().target("stable.json");
    let again = run(
        &mut release_into(&published().folder, "stable"),
        release::LIMIT,
    );
    again.expect_success("a second release");
    assert!(before == published().target("stable.json"));
}

/// Two clean builds of the commit, in two folders: two standard libraries for two boards each, half an hour on two cores.
#[test]
fn bundles_are_bit_identical_across_two_clean_builds() {
    const ASKED_FOR: &str = "FIRSTLAYER_TEST_REPRODUCIBLE";
    if std::env::var_os(ASKED_FOR).is_none_or(|value| value != "1") {
        skip!("two clean builds take half an hour: {ASKED_FOR}=1 asks for them");
    }
    let report = run(
        &mut xtask(["release", "--check-reproducible", "--json"]),
        release::LIMIT,
    );
    let report = report
        .expect_success("cargo xtask release --check-reproducible")
        .json();
    let bundles = report["bundles"].as_array().unwrap();
    assert_eq!(bundles.len(), BOARDS.len(), "{report}");
    bundles
        .iter()
        .for_each(|bundle| assert_eq!(bundle["sha256"][0], bundle["sha256"][1], "{report}"));
}
