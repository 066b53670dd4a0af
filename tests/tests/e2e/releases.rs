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
use rustix::process::Signal;

/// How often a release is interrupted.
const KILLS: u32 = 10;
const INTERRUPTS: u32 = 3;

#[test]
fn killed_at_ten_random_events() {
    interrupted(Signal::KILL, places("kill", KILLS, events()));
}

#[test]
fn interrupted_at_three_random_events() {
    interrupted(Signal::INT, places("interrupt", INTERRUPTS, events()));
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

/// Interrupts a release after each of these events. One that is at its end already, or where an interruption has to
/// wait, may succeed all the same; most must not, and then the next run must be the one that releases.
fn interrupted(signal: Signal, events: Vec<u64>) {
    let (count, mut stopped, mut finished) = (events.len(), 0, 0);
    for event in events {
        let repository = old_repository();
        let mut process = Process::spawn(&mut release_into(repository.path(), "beta"));
        let lines = usize::try_from(event).unwrap() + 1;
        assert!(
            process.wait_for_lines(lines, release::LIMIT),
            "it printed fewer than {lines} lines"
        );
        process.signal(signal);
        stopped += usize::from(!process.finish(release::LIMIT).succeeded());
        finished += usize::from(assert_survived(repository.path()) == "released");
    }
    assert!(
        2 * stopped > count && 2 * finished > count,
        "of {count} releases {stopped} were stopped, and {finished} finished by the next run"
    );
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
        assert_eq!(assert_survived(repository.path()), "released");
    }
}

/// Clients go on with the old repository, and the next run finishes the job; its outcome.
fn assert_survived(repository: &Path) -> String {
    assert_downloads(repository, "stable");
    let finished = run(&mut release_into(repository, "beta"), release::LIMIT);
    let report = finished
        .expect_success("the release after the interrupted one")
        .json();
    assert_downloads(repository, "stable");
    assert_downloads(repository, "beta");
    report["outcome"].as_str().unwrap().to_owned()
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
    let report = again.expect_success("a second release").json();
    assert_eq!(report["outcome"], "unchanged");
    assert!(before == published().target("stable.json"));
}
