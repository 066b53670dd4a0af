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
        let lines = || {
            let repository = old_repository();
            let output = run(&mut release_into(repository.path(), "beta"), release::LIMIT);
            let output = output.expect_success("cargo xtask release");
            output.stderr.lines().count() as u64
        };
        // The first measures what these images can do, and says so; the others find it kept.
        lines();
        lines()
    })
}

/// Interrupts a release after each of these events. One that is at its end already, or where an interruption has to
/// wait, may succeed all the same; most must not, and then the next run must be the one that releases.
fn interrupted(signal: Signal, events: Vec<u64>) {
    let (count, mut stopped, mut finished) = (events.len(), 0, 0);
    for event in events {
        let repository = old_repository();
        // Shells start what runs in the background deaf to Ctrl-C, and children inherit that.
        let mut hearing = Command::new("env");
        hearing.arg("--default-signal=INT");
        let release = release_into(repository.path(), "beta");
        let mut process = Process::spawn(through(&mut hearing, &release));
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

/// On a file system that fills up once the release has begun, in a mount namespace of its own: `spare` bytes are left.
#[test]
fn a_full_disk_leaves_the_old_repository() {
    const SCRIPT: &str = r#"
        repository="$1" small="$2" spare="$3"; shift 3
        mount -t tmpfs -o size=256m none "$small" && cp -r "$repository/." "$small" && mkfifo "$small.events" || exit 77
        "$@" 2>"$small.events" &
        exec 3<"$small.events"; read -r begun <&3
        avail=$(df --output=avail -B1 "$small" | tail -n 1)
        head -c $((avail - spare)) /dev/zero >"$small/filler"
        cat <&3 >&2; wait $!; code=$?
        rm -r "$small.events" "$small/filler" "$repository"/* && cp -r "$small/." "$repository"; exit $code"#;
    let allowed = run(Command::new("unshare").args(["-rm", "true"]), LIMIT);
    if !allowed.succeeded() {
        skip!("no mount namespaces for this user: {}", allowed.stderr);
    }
    for spare in [16 << 10, 300 << 10] {
        let (repository, small) = (old_repository(), tempfile::tempdir().unwrap());
        let release = release_into(small.path(), "beta");
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", SCRIPT, "sh"])
            .args([repository.path(), small.path()])
            .arg(spare.to_string());
        let output = run(through(&mut command, &release), release::LIMIT);
        assert!(!output.succeeded(), "{spare} bytes were enough: {output}");
        assert!(
            output.stderr.contains("No space left on device"),
            "{output}"
        );
        assert_eq!(assert_survived(repository.path()), "released");
    }
}

/// The command with another one, and where that is to run, as its last arguments.
fn through<'a>(command: &'a mut Command, other: &Command) -> &'a mut Command {
    command
        .current_dir(other.get_current_dir().unwrap())
        .arg(other.get_program())
        .args(other.get_args())
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
