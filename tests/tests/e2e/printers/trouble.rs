//! What goes wrong around a printer: it keeps its version, and says what is wrong.

use std::process::Command;
use std::time::Duration;

use firstlayer_tests::fixture::{EXPIRED, Fixture};
use firstlayer_tests::printer::{LIMIT, Printer};
use firstlayer_tests::process::run;
use firstlayer_tests::server::{Reply, Request};
use firstlayer_tests::skip;
use serde_json::json;

use super::{Scene, on_both};

fn only_for(
    end: &'static str,
    reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| {
        if request.path.ends_with(end) {
            reply(request)
        } else {
            Reply::File
        }
    }
}

#[test]
fn a_bundle_that_is_not_there_is_asked_for_once() {
    on_both(|board| {
        let scene = Scene::with_rule(board, only_for(".bundle", |_| Reply::Status(404, &[])));
        let (_, message) = scene.printer.failure(&["update", "install"]);
        assert!(message.contains("does not have stable-1.1.0"), "{message}");
        assert_eq!(
            scene.server.requests_for(".bundle").len(),
            1,
            "404 is final"
        );
        scene.printer.assert_untouched("404");
    });
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    on_both(|board| {
        let busy = |request: &Request| match request.earlier {
            0 => Reply::Status(503, &[("Retry-After", "1")]),
            _ => Reply::File,
        };
        let scene = Scene::with_rule(board, only_for(".bundle", busy));
        assert_eq!(
            scene.printer.report(&["update", "install"])["installed"],
            "1.1.0"
        );
        let requests = scene.server.requests_for(".bundle");
        assert!(
            requests[1].at - requests[0].at >= Duration::from_secs(1),
            "it came back too early"
        );
    });
}

#[test]
fn a_server_that_stays_broken_is_given_up() {
    on_both(|board| {
        let scene = Scene::with_rule(
            board,
            only_for("timestamp.json", |_| Reply::Status(500, &[])),
        );
        let (code, message) = scene.printer.failure(&["update", "install"]);
        assert_eq!(code, 5, "{message}");
        assert!(message.contains("500"), "{message}");
        assert_eq!(
            scene.server.requests_for("timestamp.json").len(),
            scene.printer.settings.attempts as usize
        );
        scene.printer.assert_untouched("500");
    });
}

#[test]
fn a_file_that_changed_once_is_fetched_again() {
    on_both(|board| {
        let changed_once = |request: &Request| match request.earlier {
            0 => Reply::Bytes(vec![0; 1000]),
            _ => Reply::File,
        };
        let scene = Scene::with_rule(board, only_for(".bundle", changed_once));
        assert_eq!(
            scene.printer.report(&["update", "install"])["installed"],
            "1.1.0"
        );
        assert_eq!(scene.printer.inactive_slot(), scene.fixture.image());
    });
}

/// The manifest comes from the signed file, and the frames from another, as often as they are asked for in one install.
#[test]
fn a_bundle_swapped_between_check_and_use_is_refused_and_not_held_against_the_release() {
    on_both(|board| {
        let swapped = |request: &Request| match (request.from, request.earlier) {
            (Some(1..), ..4) => Reply::Bytes(vec![0; 30_000]),
            _ => Reply::File,
        };
        let scene = Scene::with_rule(board, only_for(".bundle", swapped));
        let (code, message) = scene.printer.failure(&["update", "install"]);
        assert_eq!(code, 6, "{message}");
        assert!(
            message.contains("it was changed on the server or on the way"),
            "{message}"
        );
        scene.printer.assert_untouched("swapped");
        assert_eq!(
            scene.server.requests_for(".bundle").len(),
            4,
            "it is tried once more, and not for ever"
        );
        assert_eq!(
            scene.printer.report(&["update", "install"])["installed"],
            "1.1.0"
        );
        assert_eq!(scene.printer.inactive_slot(), scene.fixture.image());
    });
}

#[test]
fn expired_and_missing_metadata_are_told_in_the_status() {
    on_both(|board| {
        let scene = Scene::new(board);
        scene
            .fixture
            .clone()
            .say("timestamp", |said| said["expires"] = json!(EXPIRED))
            .publish(scene.folder());
        scene.printer.failure(&["update", "install"]);
        assert!(
            problems(&scene.printer).contains("timestamp expired"),
            "{}",
            problems(&scene.printer)
        );
        std::fs::remove_file(scene.folder().join("metadata/timestamp.json")).unwrap();
        let (_, message) = scene.printer.failure(&["update", "install"]);
        assert!(message.contains("has no file timestamp.json"), "{message}");
        assert!(
            problems(&scene.printer).contains("timestamp.json"),
            "{}",
            problems(&scene.printer)
        );
        scene.printer.assert_untouched("expired, then missing");
    });
}

#[test]
fn a_refused_timestamp_does_not_freeze_the_printer() {
    on_both(|board| {
        let scene = Scene::new(board);
        let honest = || Fixture::new(board).release("1.1.0");
        scene.printer.report(&["update", "check"]);
        // Validly signed, of a very high version, and refused for what it vouches for.
        let refused = honest()
            .at_version(2)
            .role_at("timestamp", 1000)
            .say("timestamp", |said| {
                said["meta"]["snapshot.json"]["version"] = json!(0);
            });
        refused.publish(scene.folder());
        scene.printer.failure(&["update", "install"]);
        honest().at_version(3).publish(scene.folder());
        assert_eq!(
            scene.printer.report(&["update", "install"])["installed"],
            "1.1.0"
        );
    });
}

/// The signed build time of what runs lies in the future of the clock: metadata is judged by it, and not by the clock.
#[test]
fn a_clock_that_stands_before_a_signed_time_is_not_believed() {
    on_both(|board| {
        let scene = Scene::new(board);
        let printer = Printer::of_fixtures(board, &scene.server.url()).running(
            "1.0.0",
            5,
            "2050-01-01T00:00:00Z",
        );
        let (code, message) = printer.failure(&["update", "install"]);
        assert_eq!(code, 6, "{message}");
        assert!(message.contains("expired on"), "{message}");
        assert!(
            problems(&printer).contains("the clock shows"),
            "{}",
            problems(&printer)
        );
        printer.assert_untouched("a clock that is behind");
    });
}

/// On a file system of its own, smaller than the image, in a mount namespace of its own.
#[test]
fn a_full_disk_is_told_and_survived() {
    const SCRIPT: &str = r#"mkdir -p "$1" && mount -t tmpfs -o size=256k none "$1" && shift || exit 77
        "$@" update install > "$PRINTER_HOME/install.json"; echo "$?" > "$PRINTER_HOME/code"; "$@" update status"#;
    let scratch = tempfile::tempdir().unwrap();
    let allowed = run(
        Command::new("unshare")
            .args(["-rm", "mount", "-t", "tmpfs", "none"])
            .arg(scratch.path()),
        LIMIT,
    );
    if !allowed.succeeded() {
        skip!("no mount namespaces for this user: {}", allowed.stderr);
    }
    on_both(|board| {
        let scene = Scene::new(board);
        Fixture::new(board)
            .release_with_noise("1.1.0", 1_000_000, 64 << 10)
            .at_version(2)
            .publish(scene.folder());
        let printer = &scene.printer;
        let base = printer.command(&[]);
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", SCRIPT, "sh"])
            .arg(printer.state())
            .arg(base.get_program())
            .args(base.get_args());
        let status = run(command.env("PRINTER_HOME", scratch.path()), LIMIT)
            .expect_success("status on a full disk")
            .json();
        let told = std::fs::read_to_string(scratch.path().join("install.json")).unwrap();
        assert_eq!(
            std::fs::read_to_string(scratch.path().join("code")).unwrap(),
            "7\n",
            "{told}"
        );
        assert!(told.contains("No space left on device"), "{told}");
        assert_eq!(
            (&status["running"], &status["trial"]),
            (&"1.0.0".into(), &serde_json::Value::Null)
        );
        // With room again, it goes on.
        assert_eq!(printer.report(&["update", "install"])["installed"], "1.1.0");
    });
}

fn problems(printer: &Printer) -> String {
    printer.status()["problems"].to_string()
}
