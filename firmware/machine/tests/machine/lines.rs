//! What lines of G-code mean.

use std::time::Duration;

use firstlayer_machine::{Command, Fan, Heat, Heater, Mark, Move};

fn parse(line: &str) -> Command {
    Command::parse(line.as_bytes())
}

#[test]
fn moves() {
    let expected = Command::Move(Move {
        x: Some(1.5),
        y: Some(-2.0),
        e: Some(0.25),
        feed: Some(1800.0),
        z: None,
    });
    for line in [
        "G1 X1.5 Y-2 E.25 F1800",
        "g1x1.5y-2e.25f1800",
        "G01 X 1.5 Y -2. E+.25 F1800 ; X9",
        "N10 G1 X1.5 Y-2 E.25 F1800*71",
        "  G0 X8 X1.5 Y-2 E.25 F1800\r",
    ] {
        assert_eq!(parse(line), expected, "{line}");
    }
}

#[test]
fn numbers_that_are_none_count_as_absent() {
    for line in [
        "G1",
        "G1 X",
        "G1 X--1",
        "G1 X1.2.3",
        "G1 X1e",
        "G1 F0",
        "G1 F-5",
        "G1 X99999999999999",
    ] {
        let Command::Move(place) = parse(line) else {
            panic!("{line}");
        };
        assert!(
            place.x.is_none_or(|x| x == 1.0) && place.feed.is_none(),
            "{line}"
        );
    }
}

#[test]
fn temperatures() {
    let heat = |heater, target, wait, wait_to_cool| {
        Command::Heat(Heat {
            heater,
            target,
            wait,
            wait_to_cool,
        })
    };
    assert_eq!(
        parse("M104 S220"),
        heat(Heater::Nozzle, Some(220), false, false)
    );
    assert_eq!(
        parse("M109 R90"),
        heat(Heater::Nozzle, Some(90), true, true)
    );
    assert_eq!(
        parse("M140 S60.9"),
        heat(Heater::Bed, Some(60), false, false)
    );
    assert_eq!(parse("M190"), heat(Heater::Bed, None, true, false));
    assert_eq!(
        parse("M141 S-5"),
        heat(Heater::Chamber, Some(0), false, false)
    );
    assert_eq!(
        parse("M104 S999999"),
        heat(Heater::Nozzle, Some(u16::MAX), false, false)
    );
}

#[test]
fn fans_waits_and_progress() {
    let fan = |fan, percent| Command::Fan { fan, percent };
    assert_eq!(parse("M106"), fan(Fan::Part, 100));
    assert_eq!(parse("M106 P2 S51"), fan(Fan::Auxiliary, 20));
    assert_eq!(parse("M107 P3"), fan(Fan::Chamber, 0));
    assert_eq!(parse("M106 P9 S255"), Command::Nothing);
    assert_eq!(
        parse("G4 P1500"),
        Command::Dwell(Duration::from_millis(1500))
    );
    assert_eq!(parse("G4 S2 P5"), Command::Dwell(Duration::from_secs(2)));
    assert_eq!(parse("G4 S-2"), Command::Dwell(Duration::ZERO));
    assert_eq!(parse("M400 U1"), Command::Pause);
    assert_eq!(
        parse("M73 P150 R12"),
        Command::Progress {
            percent: Some(100),
            remaining: Some(12),
            layer: None
        }
    );
}

#[test]
fn comments_that_mark_layers() {
    for line in ["; CHANGE_LAYER", ";LAYER_CHANGE", "  ;  LAYER_CHANGE  "] {
        assert_eq!(parse(line), Command::Layer(Mark::Next), "{line}");
    }
    let number = Mark::Number {
        layer: 3,
        layers: Some(12),
    };
    assert_eq!(
        parse("; layer num/total_layer_count: 3/12"),
        Command::Layer(number)
    );
    assert_eq!(
        parse("; total layer number: 12"),
        Command::Layer(Mark::Layers(12))
    );
    assert_eq!(parse("G28 ; CHANGE_LAYER"), parse("G28"));
}

#[test]
fn what_nobody_knows_is_left_alone() {
    for line in [
        "",
        "   ",
        "; a comment",
        "M1002 gcode_claim_action : 1",
        "G29.1 Z0.02",
        "M99999999",
        "T0",
        "M400",
        "M220",
    ] {
        let command = parse(line);
        let idle = command == Command::Nothing || command == Command::Dwell(Duration::ZERO);
        assert!(idle, "{line}: {command:?}");
    }
}

#[test]
fn what_is_no_gcode_is_told_apart() {
    for line in [
        "hello",
        "{\"print\":1}",
        "28G",
        "G",
        "é",
        "\0",
        "<xml>",
        "G-1",
    ] {
        assert_eq!(parse(line), Command::Garbled, "{line}");
    }
}
