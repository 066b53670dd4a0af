//! Rollouts, as printers are offered them.

use super::*;
use crate::Wave;

/// The newest release reaches half of the printers in March and the rest in April.
fn channel() -> ChannelManifest {
    let mut newest = release("1.2.0", 1);
    newest.waves = [("2026-03-01T00:00:00Z", 50), ("2026-04-01T00:00:00Z", 100)]
        .map(|(starts, percent)| Wave {
            starts: starts.parse().unwrap(),
            percent,
        })
        .to_vec();
    manifest(vec![release("1.0.0", 1), release("1.1.0", 1), newest])
}

fn at(now: &str, serial: Option<&str>) -> Printer {
    Printer {
        serial: serial.map(str::to_owned),
        now: now.parse().unwrap(),
        ..printer("1.0.0", 1)
    }
}

/// A serial number that is early, and one that is late.
fn early_and_late() -> [String; 2] {
    let serials = || (0..100).map(|number| format!("01S00A{number:09}"));
    let turn = |serial: &String| Turn::of(serial, &version("1.2.0"));
    let wave = channel().releases()[2].waves[0];
    let in_first =
        |serial: &String| channel().releases()[2].offered_from(turn(serial)) == Some(wave.starts);
    [
        serials().find(in_first).unwrap(),
        serials().find(|serial| !in_first(serial)).unwrap(),
    ]
}

#[test]
fn a_printer_gets_the_older_release_until_its_turn_has_come() {
    let channel = channel();
    let [early, late] = early_and_late();
    for (now, serial, expected) in [
        ("2026-02-28T23:59:59Z", Some(&early), "1.1.0"),
        ("2026-03-01T00:00:00Z", Some(&early), "1.2.0"),
        ("2026-03-01T00:00:00Z", Some(&late), "1.1.0"),
        ("2026-04-01T00:00:00Z", Some(&late), "1.2.0"),
        ("2026-03-31T23:59:59Z", None, "1.1.0"),
    ] {
        let decision = choose(&channel, &at(now, serial.map(String::as_str)));
        assert_eq!(
            chosen(&decision),
            Some(version(expected)),
            "{now} {serial:?}"
        );
    }
    let waiting = choose(&channel, &at("2026-03-01T00:00:00Z", Some(&late)));
    let from = "2026-04-01T00:00:00Z".parse().unwrap();
    assert_eq!(reasons(&waiting, "1.2.0"), [Reason::NotItsTurn { from }]);
}

#[test]
fn a_printer_that_waits_for_its_turn_is_up_to_date() {
    let mut printer = at("2026-03-01T00:00:00Z", None);
    printer.version = version("1.1.0");
    assert_eq!(choose(&channel(), &printer).choice, Choice::UpToDate);
}

#[test]
fn who_asks_for_a_version_waits_for_no_turn() {
    let mut printer = at("2026-01-01T00:00:00Z", None);
    printer.wishes.version = Some(version("1.2.0"));
    assert_eq!(
        chosen(&choose(&channel(), &printer)),
        Some(version("1.2.0"))
    );
}
