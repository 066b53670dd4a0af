//! Arbitrary bytes as a sliced project, and as what lies in one: it is refused, or its plate can be read again to the
//! end that the check saw.
#![no_main]

use std::sync::Arc;

use firstlayer_machine::{Limits, Plate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut limits = Limits::default();
    // So that the fuzzer finds both sides of each limit.
    (limits.gcode, limits.ratio_free, limits.entries) = (1 << 20, 1 << 12, 16);
    let medium = Arc::new(bytes.to_vec());
    let Ok(plate) = Plate::in_archive(medium, "Metadata/plate_1.gcode", &limits) else {
        return;
    };
    let mut lines = plate.lines();
    while let Some(line) = lines.next_line().unwrap() {
        assert!(line.text.len() <= limits.code + 1);
    }
    assert_eq!(lines.number(), plate.outline().lines);
    assert_eq!(lines.consumed(), plate.outline().bytes);
    assert!(plate.outline().bytes <= limits.gcode);
});
