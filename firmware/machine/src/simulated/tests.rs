use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::*;
use crate::{Heater, Medium};

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

#[test]
fn a_pause_holds_the_print_and_keeps_the_heat() {
    let mut machine = started("M104 S200\nG1 X60 F60\nG1 X0\n");
    seconds(&mut machine, 30);
    machine.pause().unwrap();
    let held = machine.reading().clone();
    assert_eq!(held.stage, Stage::Paused(Pause::Owner));
    assert!((held.position.x - 30.0).abs() < 0.2, "{:?}", held.position);
    seconds(&mut machine, 600);
    assert_eq!(machine.reading().position, held.position);
    assert_eq!(machine.reading().nozzle.target, 200);
    machine.resume().unwrap();
    assert_eq!(machine.reading().stage, Stage::Running);
    seconds(&mut machine, 15);
    assert!((machine.reading().position.x - 45.0).abs() < 0.2);
}

#[test]
fn a_pause_while_preparing_goes_on_preparing() {
    let mut machine = started("M190 S60\nG1 X1\n");
    seconds(&mut machine, 1);
    machine.pause().unwrap();
    seconds(&mut machine, 600);
    machine.resume().unwrap();
    assert_eq!(machine.reading().stage, Stage::Prepare);
    seconds(&mut machine, 10);
    assert_eq!(machine.reading().stage, Stage::Finished);
}

#[test]
fn moves_during_a_pause_do_not_misplace_the_print() {
    let mut machine = started("G91\nG1 X10 F600\nG1 X10\nM400 U1\nG1 X10\n");
    seconds(&mut machine, 3);
    assert_eq!(machine.reading().stage, Stage::Paused(Pause::Program));
    machine.run_line("G90\nG1 X200 Y200 F6000").unwrap();
    seconds(&mut machine, 10);
    assert_eq!(machine.reading().position.y, 200.0);
    machine.resume().unwrap();
    until(&mut machine, |reading| reading.stage == Stage::Finished);
    let place = machine.reading().position;
    assert_eq!((place.x, place.y), (30.0, 0.0));
}

#[test]
fn a_stop_turns_everything_off() {
    for paused in [false, true] {
        let mut machine = started(PROGRAM);
        until(&mut machine, |reading| reading.fans.part == 50);
        if paused {
            machine.pause().unwrap();
        }
        let percent = machine.reading().percent;
        machine.stop().unwrap();
        let stopped = machine.reading().clone();
        assert_eq!(stopped.stage, Stage::Failed(Fault::Stopped));
        assert_eq!((stopped.percent, stopped.fans), (percent, Fans::default()));
        assert_eq!((stopped.nozzle.target, stopped.bed.target), (0, 0));
        seconds(&mut machine, 3600);
        assert_eq!(machine.reading().position, stopped.position);
        assert!((machine.reading().nozzle.current - 25.0).abs() < 1.0);
        machine.start(text(PROGRAM)).unwrap();
    }
}

#[test]
fn what_does_not_fit_the_stage_is_refused() {
    let mut machine = Simulated::new(Pace::REAL);
    assert_eq!(machine.pause(), Err(Refused::NoPrint));
    assert_eq!(machine.resume(), Err(Refused::NoPrint));
    assert_eq!(machine.stop(), Err(Refused::NoPrint));
    assert_eq!(machine.clear_fault(), Err(Refused::NoFault));
    machine.start(text(PROGRAM)).unwrap();
    assert_eq!(machine.start(text(PROGRAM)), Err(Refused::Busy));
    assert_eq!(machine.resume(), Err(Refused::NotPaused));
    machine.pause().unwrap();
    assert_eq!(machine.pause(), Err(Refused::AlreadyPaused));
    assert_eq!(machine.start(text(PROGRAM)), Err(Refused::Busy));
    assert_eq!(machine.clear_fault(), Err(Refused::NoFault));
}

#[test]
fn filament_that_has_run_out_can_be_loaded() {
    let mut machine = started(PROGRAM);
    until(&mut machine, |reading| reading.layer == 1);
    machine.inject(Fault::FilamentRunOut);
    let stage = Stage::Paused(Pause::Fault(Fault::FilamentRunOut));
    assert_eq!(machine.reading().stage, stage);
    machine.clear_fault().unwrap();
    assert_eq!(machine.reading().stage, Stage::Paused(Pause::Owner));
    machine.resume().unwrap();
    until(&mut machine, |reading| reading.stage == Stage::Finished);
}

#[test]
fn a_broken_machine_starts_nothing_until_its_fault_is_cleared() {
    for stage in ["idle", "printing", "paused"] {
        let mut machine = Simulated::new(Pace::REAL);
        if stage != "idle" {
            machine.start(text(PROGRAM)).unwrap();
        }
        if stage == "paused" {
            machine.pause().unwrap();
        }
        let fault = Fault::Heating(Heater::Bed);
        machine.inject(fault.clone());
        assert_eq!(machine.reading().stage, Stage::Failed(fault.clone()));
        assert_eq!(machine.reading().bed.target, 0);
        assert_eq!(machine.start(text(PROGRAM)), Err(Refused::Fault(fault)));
        machine.clear_fault().unwrap();
        assert_eq!(machine.reading().stage, Stage::Idle);
        machine.start(text(PROGRAM)).unwrap();
    }
}

#[test]
fn a_print_file_that_wants_too_much_heat_fails() {
    let mut machine = started("G28\nM104 S500\nG1 X1\n");
    seconds(&mut machine, 10);
    let fault = Fault::TooHot {
        line: 2,
        heater: Heater::Nozzle,
        asked: 500,
        most: 320,
    };
    assert_eq!(machine.reading().stage, Stage::Failed(fault));
    assert_eq!(machine.reading().nozzle.target, 0);
}

/// A card that is pulled out once the print has been checked.
struct Card {
    content: Vec<u8>,
    reads_left: AtomicU64,
}

impl Medium for Card {
    fn length(&self) -> io::Result<u64> {
        self.content.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.reads_left.load(Ordering::Relaxed);
        let left = left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("the card is gone"))?;
        self.reads_left.store(left, Ordering::Relaxed);
        self.content.read_at(buffer, offset)
    }
}

#[test]
fn a_card_pulled_out_in_the_middle_is_a_fault_with_its_reason() {
    let gcode = "G1 X1 F6000\nG1 X9 ; there and back again\n".repeat(2000);
    let card = Arc::new(Card {
        content: gcode.into_bytes(),
        reads_left: AtomicU64::new(u64::MAX),
    });
    let plate = Plate::of_text(card.clone(), &Limits::default()).unwrap();
    let mut machine = Simulated::new(Pace::REAL);
    machine.start(plate).unwrap();
    seconds(&mut machine, 5);
    assert_eq!(machine.reading().stage, Stage::Running);
    card.reads_left.store(1, Ordering::Relaxed);
    until(&mut machine, |reading| !reading.stage.has_job());
    let Stage::Failed(Fault::PrintFile { line, reason }) = &machine.reading().stage else {
        panic!("{:?}", machine.reading());
    };
    assert!((100..4000).contains(line), "line {line}");
    assert_eq!(reason, "the print file could not be read: the card is gone");
}

#[test]
fn a_file_changed_during_the_print_is_a_fault_at_its_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "G28\nG1 X1\n").unwrap();
    let plate = Plate::plain(file.reopen().unwrap()).unwrap();
    std::fs::write(&file, "G28\nG1 X2\n").unwrap();
    let mut machine = Simulated::new(Pace::REAL);
    machine.start(plate).unwrap();
    seconds(&mut machine, 60);
    let stage = &machine.reading().stage;
    assert!(
        matches!(stage, Stage::Failed(Fault::PrintFile { line: 2, .. })),
        "{stage:?}"
    );
}

#[test]
fn progress_is_reckoned_where_the_file_does_not_tell() {
    let mut machine = started(&"G1 X60 F60\nG1 X00\n".repeat(50));
    seconds(&mut machine, 3000);
    let reading = machine.reading();
    assert!((48..=52).contains(&reading.percent), "{}", reading.percent);
    assert!(
        (48..=52).contains(&reading.remaining_minutes),
        "{}",
        reading.remaining_minutes
    );
}

#[test]
fn feed_rates_and_speed_levels_make_the_time() {
    // 60 seconds of moves at the standard level, and a wait of 40.
    for (level, expected) in [(1, 160), (2, 100), (3, 88), (4, 76)] {
        let mut machine = started("G1 X100 F600\nG1 X0\nG4 S40\nM220 S50\nG1 X100\nG1 X0\n");
        machine.set_speed_level(SpeedLevel::from_number(level).unwrap());
        let passed = until(&mut machine, |reading| reading.stage == Stage::Finished);
        assert!(passed.abs_diff(expected) <= 1, "{level}: {passed} s");
    }
}

#[test]
fn arcs_take_the_time_of_their_length() {
    // A half circle of radius 10, and a whole one.
    for (line, length) in [("G2 X20 I10 F60", 31), ("G3 I10 F60", 63)] {
        let mut machine = started(line);
        let passed = until(&mut machine, |reading| reading.stage == Stage::Finished);
        assert!(passed.abs_diff(length) <= 1, "{line}: {passed} s");
    }
}

#[test]
fn waits_for_cooling_end() {
    let mut machine = started("M109 S200\nM109 R60\nM190 R0\nG1 X1\n");
    until(&mut machine, |reading| reading.nozzle.current > 195.0);
    until(&mut machine, |reading| reading.stage == Stage::Finished);
    assert!(machine.reading().nozzle.current < 62.0);
}

#[test]
fn lines_heat_and_move_an_idle_machine() {
    let mut machine = Simulated::new(Pace::REAL);
    machine
        .run_line("M104 S100 \n M106 P2 S255\nG1 X50 F600\n")
        .unwrap();
    seconds(&mut machine, 6);
    let reading = machine.reading();
    assert_eq!((reading.nozzle.target, reading.fans.auxiliary), (100, 100));
    assert_eq!(
        (reading.position.x, reading.stage.clone()),
        (50.0, Stage::Idle)
    );
}

#[test]
fn lines_during_a_print_set_but_do_not_move() {
    let mut machine = started("G1 X100 F60\n");
    seconds(&mut machine, 1);
    for line in [
        "G1 X0",
        "G28",
        "G4 S1",
        "M109 S200",
        "G91",
        "G92 X0",
        "M73 P5",
        "M104 S50\nG28",
    ] {
        assert_eq!(machine.run_line(line), Err(Refused::Moving), "{line}");
    }
    assert_eq!(machine.reading().nozzle.target, 0, "all lines or none");
    machine.run_line("M106 S255").unwrap();
    machine.run_line("M140 S50").unwrap();
    seconds(&mut machine, 1);
    assert_eq!(
        (machine.reading().fans.part, machine.reading().bed.target),
        (100, 50)
    );
    assert_eq!(machine.reading().stage, Stage::Running);
}

#[test]
fn lines_that_cannot_be_carried_out_are_refused() {
    let mut machine = Simulated::new(Pace::REAL);
    let hot = Refused::TooHot {
        heater: Heater::Bed,
        asked: 200,
        most: 120,
    };
    assert_eq!(machine.run_line("M140 S200"), Err(hot));
    assert_eq!(machine.run_line("drop table"), Err(Refused::NotGcode));
    let long = "G1 ".repeat(1000);
    assert_eq!(machine.run_line(&long), Err(Refused::LineTooLong(512)));
    let many = "G28\n".repeat(65);
    assert_eq!(machine.run_line(&many), Err(Refused::TooManyLines));
    machine.run_line(&"G28\n".repeat(64)).unwrap();
    assert_eq!(machine.run_line("G28"), Err(Refused::TooManyLines));
    machine.run_line("\n; a comment\n").unwrap();
    machine.run_line("").unwrap();
}

#[test]
fn light_and_fans_obey_at_once() {
    let mut machine = Simulated::new(Pace::REAL);
    machine.set_light(Light::Off);
    machine.set_fan(Fan::Chamber, 255);
    assert_eq!(machine.reading().light, Light::Off);
    assert_eq!(machine.reading().fans.chamber, 100);
}

#[test]
fn a_pace_makes_time_go_faster() {
    assert!(Pace::new(0).is_none() && Pace::new(10_001).is_none());
    let mut machine = Simulated::new(Pace::new(1000).unwrap());
    machine.start(text(PROGRAM)).unwrap();
    seconds(&mut machine, 1);
    assert_eq!(machine.reading().stage, Stage::Finished);
}

#[test]
fn a_leap_of_the_callers_clock_ends() {
    let mut machine = started("G4 S999999999\n");
    machine.advance(Duration::MAX);
    machine.advance(Duration::MAX);
    assert_eq!(
        machine.reading().stage,
        Stage::Finished,
        "a dwell lasts a day at most"
    );
}

#[test]
fn an_empty_file_is_a_print_without_work() {
    let mut machine = started("");
    seconds(&mut machine, 1);
    assert_eq!(machine.reading().stage, Stage::Finished);
}
