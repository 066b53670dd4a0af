//! Arbitrary bytes as a file of G-code: it is refused or printed to its end or to a fault, in the same way however
//! time is cut, and no reading leaves its bounds. Lines that are sent in between never panic either.
#![no_main]

use std::{sync::Arc, time::Duration};

use firstlayer_machine::{Limits, Machine, Pace, Plate, Reading, Simulated};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (line, gcode) = input;
    let Ok(plate) = Plate::of_text(Arc::new(gcode.to_vec()), &Limits::default()) else {
        return;
    };
    let [mut once, mut often] = [(); 2].map(|()| Simulated::new(Pace::new(10).unwrap()));
    once.start(plate.clone()).unwrap();
    often.start(plate).unwrap();
    once.advance(Duration::from_secs(100));
    for _ in 0..50 {
        often.advance(Duration::from_millis(1300));
        often.advance(Duration::from_millis(700));
        check(often.reading());
    }
    assert_eq!(once.reading(), often.reading());
    let _ = often.run_line(line);
    often.advance(Duration::from_secs(10));
    check(often.reading());
});

fn check(reading: &Reading) {
    assert!(reading.percent <= 100);
    assert!(reading.layers == 0 || reading.layer <= reading.layers);
    for temperature in [reading.nozzle, reading.bed, reading.chamber] {
        assert!((20.0..321.0).contains(&temperature.current) && temperature.target <= 320);
    }
    for axis in [reading.position.x, reading.position.y, reading.position.z] {
        assert!((-60.0..=400.0).contains(&axis));
    }
}
