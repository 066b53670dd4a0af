use std::sync::Arc;

use super::*;

const PROGRAM: &str = "\
; total layer number: 2
M73 P0 R3
M140 S60
M104 S220
M190 S60
M109 S220
G28
G90
M83
; CHANGE_LAYER
; layer num/total_layer_count: 1/2
G1 X100 Y0 F6000
M106 S127.5
G1 X100 Y100 E5 F600
M73 P50 R2
; CHANGE_LAYER
; layer num/total_layer_count: 2/2
G1 X0 Y100 E5
M73 P100 R0
";

fn text(gcode: &str) -> Plate {
    Plate::of_text(Arc::new(gcode.as_bytes().to_vec()), &Limits::default()).unwrap()
}

fn started(gcode: &str) -> Simulated {
    let mut machine = Simulated::new(Pace::REAL);
    machine.start(text(gcode)).unwrap();
    machine
}

fn seconds(machine: &mut Simulated, seconds: u64) {
    machine.advance(Duration::from_secs(seconds));
}

/// Second by second until it holds, for at most an hour.
fn until(machine: &mut Simulated, holds: impl Fn(&Reading) -> bool) -> u64 {
    for passed in 0..3600 {
        if holds(machine.reading()) {
            return passed;
        }
        seconds(machine, 1);
    }
    panic!("it never came to that: {:?}", machine.reading());
}

#[test]
fn a_print_goes_through_its_stages() {
    let mut machine = started(PROGRAM);
    assert_eq!(machine.reading().stage, Stage::Prepare);
    assert_eq!(machine.reading().layers, 2);
    let heating = until(&mut machine, |reading| reading.stage == Stage::Running);
    assert!((60..600).contains(&heating), "{heating} s of heating");
    let reading = machine.reading();
    assert!((reading.nozzle.current - 220.0).abs() < 2.0);
    assert!((reading.bed.current - 60.0).abs() < 2.0);
    until(&mut machine, |reading| reading.layer == 1);
    until(&mut machine, |reading| reading.percent == 50);
    assert_eq!(machine.reading().remaining_minutes, 2);
    assert_eq!(machine.reading().fans.part, 50);
    until(&mut machine, |reading| reading.layer == 2);
    until(&mut machine, |reading| reading.stage == Stage::Finished);
    let reading = machine.reading();
    assert_eq!((reading.percent, reading.remaining_minutes), (100, 0));
    assert_eq!(reading.line, PROGRAM.lines().count() as u64);
    assert_eq!((reading.nozzle.target, reading.bed.target), (0, 0));
    machine.start(text(PROGRAM)).unwrap();
}
