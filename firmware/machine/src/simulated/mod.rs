//! A machine that exists only in memory, and carries out G-code as one of metal would: it heats, moves, waits, counts
//! layers, and fails when told to.
//!
//! The same calls give the same readings, however the time is cut into calls of `advance`.

mod execute;
mod heat;
mod motion;
mod program;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::{
    motion::Motion,
    program::{Job, Manual},
};
use crate::{
    Command, Fan, Fans, Fault, Heat, Light, Limits, Machine, Pause, Plate, Reading, Refused,
    SpeedLevel, Stage,
};

/// Simulated microseconds in a tick: temperatures change once in each.
const TICK: u64 = 100_000;

/// Simulated time that passes in one call at most. Stops a leap of the caller's clock from keeping it busy for hours.
const LEAP: Duration = Duration::from_secs(86_400);

/// How many times faster than real time a simulated machine works: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(u32);

impl Pace {
    /// As one of metal.
    pub const REAL: Self = Self(1);

    /// Nothing if it is 0 or more than 10,000.
    pub fn new(times: u32) -> Option<Self> {
        (1..=10_000).contains(&times).then_some(Self(times))
    }
}

/// The machine. Temperatures begin at 25 °C, the nozzle at the origin.
pub struct Simulated {
    reading: Reading,
    pace: Pace,
    motion: Motion,
    job: Option<Job>,
    manual: Manual,
    /// Simulated microseconds that have not made a tick yet.
    left_over: u64,
}

impl Simulated {
    /// An idle machine.
    pub fn new(pace: Pace) -> Self {
        let reading = Reading::idle();
        Self {
            motion: Motion::at(reading.position),
            reading,
            pace,
            job: None,
            manual: Manual::default(),
            left_over: 0,
        }
    }

    /// Something goes wrong now: a print under way is paused if it can be put right, and else has failed. An idle
    /// machine shows its own faults.
    pub fn inject(&mut self, fault: Fault) {
        match self.reading.stage {
            Stage::Prepare | Stage::Running if fault.can_be_put_right() => {
                self.hold(Pause::Fault(fault));
            }
            Stage::Paused(_) if fault.can_be_put_right() => {
                self.reading.stage = Stage::Paused(Pause::Fault(fault));
            }
            _ => self.fail(fault),
        }
    }

    fn hold(&mut self, pause: Pause) {
        if let Some(job) = &mut self.job {
            job.held = Some(self.motion.clone());
            self.motion = Motion::at(self.reading.position);
        }
        self.reading.stage = Stage::Paused(pause);
    }

    fn fail(&mut self, fault: Fault) {
        self.end(Stage::Failed(fault));
    }

    fn end(&mut self, stage: Stage) {
        self.reading.stage = stage;
        self.reading.remaining_minutes = 0;
        self.reading.fans = Fans::default();
        heat::off(&mut self.reading);
        self.job = None;
        self.manual = Manual::default();
        self.motion = Motion::at(self.reading.position);
    }

    /// What lines are refused for, before any of them is taken on.
    fn check_lines(&self, gcode: &str) -> Result<Vec<Command>, Refused> {
        let limit = Limits::default().code;
        let printing = matches!(self.reading.stage, Stage::Prepare | Stage::Running);
        let mut commands = Vec::new();
        for line in gcode.lines() {
            let code = line.split(';').next().unwrap_or_default();
            if code.len() > limit {
                return Err(Refused::LineTooLong(limit));
            }
            let command = Command::parse(line.as_bytes());
            check_line(&command, printing)?;
            if command != Command::Nothing {
                commands.push(command);
            }
            if commands.len() + self.manual.waiting.len() > Manual::MOST {
                return Err(Refused::TooManyLines);
            }
        }
        Ok(commands)
    }
}

impl Machine for Simulated {
    fn start(&mut self, plate: Plate) -> Result<(), Refused> {
        match &self.reading.stage {
            stage if stage.has_job() => return Err(Refused::Busy),
            Stage::Failed(fault) if fault.is_of_machine() => {
                return Err(Refused::Fault(fault.clone()));
            }
            _ => {}
        }
        self.manual = Manual::default();
        self.motion = Motion::at(self.reading.position);
        self.reading.stage = Stage::Prepare;
        self.reading.percent = 0;
        self.reading.line = 0;
        self.reading.layer = 0;
        self.reading.layers = plate.outline().layers;
        self.reading.remaining_minutes = 0;
        self.job = Some(Job::new(plate));
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Refused> {
        match self.reading.stage {
            Stage::Prepare | Stage::Running => {
                self.hold(Pause::Owner);
                Ok(())
            }
            Stage::Paused(_) => Err(Refused::AlreadyPaused),
            _ => Err(Refused::NoPrint),
        }
    }

    fn resume(&mut self) -> Result<(), Refused> {
        let job = self.job.as_mut().ok_or(Refused::NoPrint)?;
        let motion = job.held.take().ok_or(Refused::NotPaused)?;
        let begun = job.begun;
        self.motion = motion;
        self.manual = Manual::default();
        self.reading.stage = if begun {
            Stage::Running
        } else {
            Stage::Prepare
        };
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Refused> {
        if !self.reading.stage.has_job() {
            return Err(Refused::NoPrint);
        }
        self.fail(Fault::Stopped);
        Ok(())
    }

    fn run_line(&mut self, gcode: &str) -> Result<(), Refused> {
        let commands = self.check_lines(gcode)?;
        self.manual.waiting.extend(commands);
        Ok(())
    }

    fn set_light(&mut self, light: Light) {
        self.reading.light = light;
    }

    fn set_fan(&mut self, fan: Fan, percent: u8) {
        self.reading.fans.set(fan, percent);
    }

    fn set_speed_level(&mut self, level: SpeedLevel) {
        self.reading.speed_level = level;
    }

    fn clear_fault(&mut self) -> Result<(), Refused> {
        match &self.reading.stage {
            Stage::Failed(_) => self.reading.stage = Stage::Idle,
            Stage::Paused(Pause::Fault(_)) => self.reading.stage = Stage::Paused(Pause::Owner),
            _ => return Err(Refused::NoFault),
        }
        Ok(())
    }

    fn advance(&mut self, elapsed: Duration) {
        let simulated = elapsed.saturating_mul(self.pace.0).min(LEAP);
        self.left_over += simulated.as_micros() as u64;
        while let Some(rest) = self.left_over.checked_sub(TICK) {
            self.left_over = rest;
            self.tick();
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}

fn check_line(command: &Command, printing: bool) -> Result<(), Refused> {
    match command {
        Command::Garbled => Err(Refused::NotGcode),
        Command::Heat(Heat {
            heater,
            target: Some(asked),
            ..
        }) if *asked > heater.most() => Err(Refused::TooHot {
            heater: *heater,
            asked: *asked,
            most: heater.most(),
        }),
        other if printing && other.is_for_prints() => Err(Refused::Moving),
        _ => Ok(()),
    }
}
