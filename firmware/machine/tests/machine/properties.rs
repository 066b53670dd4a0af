//! What holds for any bytes.

use std::{sync::Arc, time::Duration};

use firstlayer_machine::{Command, Limits, Lines, Machine, Pace, Plate, Simulated};
use proptest::{prelude::*, sample::Index};

use crate::support::{Archive, GCODE, Member, PLATE, open, text};

fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.code, limits.line) = (20, 60);
    limits
}

/// G-code, as often right as wrong.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[GM][0-9]{1,3}( [XYZEFSPRIJ]-?[0-9]{0,4}(\\.[0-9]{0,2})?){0,5}",
        "(G[0-4]|G28|G9[0-2]|M10[4679]|M1[49]0|M73|M220|M400)( [XYZESPRIJUL]-?[0-9]{1,2}){0,4}",
        "; (CHANGE_LAYER|layer num/total_layer_count: [0-9]{1,12}/[0-9]{1,2}|total layer number: [0-9]{1,3})",
        "[ -~é]{0,30}",
    ]
}

fn program() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_bytes_are_a_line(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::parse(&bytes);
    }

    #[test]
    fn any_text_is_a_line(line in line()) {
        if let Command::Move(place) = Command::parse(line.as_bytes()) {
            for number in [place.x, place.y, place.z, place.e, place.feed].into_iter().flatten() {
                prop_assert!(number.is_finite());
            }
        }
    }

    #[test]
    fn numbers_come_back(x in -99999.0..99999.0_f64, e in -9.0..9.0_f64) {
        let Command::Move(place) = Command::parse(format!("G1X{x:.4}E{e:.5}").as_bytes()) else {
            panic!("no move");
        };
        prop_assert!((place.x.unwrap() - x).abs() < 0.001);
        prop_assert!((place.e.unwrap() - e).abs() < 0.0001);
    }

    #[test]
    fn lines_are_bounded_and_none_is_lost(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b';'), any::<u8>()], 0..300)) {
        let mut lines = Lines::new(bytes.as_slice(), &limits());
        let mut told = Vec::new();
        let mut failed = false;
        loop {
            match lines.next_line() {
                Ok(Some(line)) => {
                    prop_assert!(line.text.len() <= limits().code + 1);
                    told.push(line.text.to_vec());
                }
                Ok(None) => break,
                Err(_) => { failed = true; break; }
            }
        }
        let mut expected: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
        if expected.last().is_some_and(|last| last.is_empty()) {
            expected.pop();
        }
        let long = |line: &&[u8]| {
            let code = line.split(|byte| *byte == b';').next().unwrap_or_default().len();
            code > limits().code || line.len() as u64 >= limits().line
        };
        prop_assert!(!failed || expected.iter().any(long));
        prop_assert!(failed || told.len() == expected.len());
        for (told, expected) in told.iter().zip(expected) {
            let expected = expected.strip_suffix(b"\r").unwrap_or(expected);
            prop_assert!(expected.starts_with(told) || expected == told.as_slice());
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = open(bytes);
    }

    #[test]
    fn any_gcode_comes_back(gcode in program(), stored in any::<bool>()) {
        let mut archive = Archive::of(gcode.as_bytes());
        if stored {
            archive.members[0] = Member::stored(PLATE, gcode.as_bytes());
        }
        let told = text(&open(archive.build()).unwrap()).unwrap();
        let mut expected = gcode;
        if !expected.is_empty() && !expected.ends_with('\n') {
            expected.push('\n');
        }
        prop_assert_eq!(told, expected);
    }

    /// Most bytes of an archive matter. Where one does not (times, versions, attributes), the plate is the same.
    #[test]
    fn a_changed_byte_is_refused_or_does_not_matter(place in any::<Index>(), change in 1_u8..) {
        let mut bytes = Archive::good().build();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        if let Ok(plate) = open(bytes) {
            prop_assert_eq!(text(&plate).unwrap().into_bytes(), GCODE);
        }
    }

    #[test]
    fn a_mutated_archive_is_refused_or_gives_its_plate(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>(),
        stretch in any::<Index>(),
    ) {
        let mut bytes = Archive::good().and(Member::deflated("a", b"aaaa")).build();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let (from, to) = (cut.index(bytes.len()), stretch.index(bytes.len()));
        let moved: Vec<_> = bytes.drain(from.min(to)..from.max(to)).collect();
        let _ = open(bytes.clone());
        bytes.extend(moved);
        if let Ok(plate) = open(bytes) {
            prop_assert_eq!(text(&plate).unwrap().into_bytes(), GCODE);
        }
    }

    #[test]
    fn time_may_be_cut_in_any_way(gcode in program(), cuts in prop::collection::vec(0_u64..20_000, 1..20)) {
        let plate = Plate::of_text(Arc::new(gcode.into_bytes()), &Limits::default()).unwrap();
        let [mut once, mut often] = [(); 2].map(|()| Simulated::new(Pace::new(3).unwrap()));
        once.start(plate.clone()).unwrap();
        often.start(plate).unwrap();
        once.advance(Duration::from_millis(cuts.iter().sum()));
        for cut in cuts {
            often.advance(Duration::from_millis(cut));
        }
        prop_assert_eq!(once.reading(), often.reading());
    }

    #[test]
    fn readings_stay_in_their_bounds(gcode in program(), line in line()) {
        let plate = Plate::of_text(Arc::new(gcode.into_bytes()), &Limits::default()).unwrap();
        let mut machine = Simulated::new(Pace::new(50).unwrap());
        machine.start(plate).unwrap();
        for _ in 0..20 {
            machine.advance(Duration::from_secs(1));
            let _ = machine.run_line(&line);
            let reading = machine.reading();
            prop_assert!(reading.percent <= 100);
            prop_assert!(reading.layers == 0 || reading.layer <= reading.layers);
            for temperature in [reading.nozzle, reading.bed, reading.chamber] {
                prop_assert!((20.0..321.0).contains(&temperature.current));
                prop_assert!(temperature.target <= 320);
            }
            for axis in [reading.position.x, reading.position.y, reading.position.z] {
                prop_assert!((-60.0..=400.0).contains(&axis));
            }
            for fan in [reading.fans.part, reading.fans.auxiliary, reading.fans.chamber] {
                prop_assert!(fan <= 100);
            }
        }
    }
}
