//! A machine that exists only in memory, and carries out G-code as one of metal would: it heats, moves, waits, counts
//! layers, and fails when told to.
//!
//! The same calls give the same readings, however the time is cut into calls of `advance`.

mod heat;
mod motion;
mod program;
#[cfg(test)]
mod tests;

use std::{error::Error, time::Duration};

use self::{
    motion::Motion,
    program::{Activity, Job, Manual},
};
use crate::{
    Command, Fan, Fans, Fault, Heat, Light, Limits, Machine, Mark, Pause, Plate, Reading, Refused,
    SpeedLevel, Stage,
};

/// Simulated microseconds in a tick: temperatures change once in each.
const TICK: u64 = 100_000;

/// Simulated time that passes in one call at most. Stops a leap of the caller's clock from keeping it busy for hours.
const LEAP: Duration = Duration::from_secs(86_400);

/// Microseconds that a line takes at least, and bytes that are read in one. As on a machine of metal, and so that a
/// file full of comments is not read in a single tick.
const LINE: u64 = 20;
const BYTES: u64 = 20;

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

/// What came of taking on a command.
enum Taken {
    Done,
    Began(Activity),
    Pause,
    Failed(Fault),
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

    fn tick(&mut self) {
        heat::tick(&mut self.reading, TICK as f32 / 1e6);
        let mut budget = TICK;
        while budget > 0 {
            let spent = match self.reading.stage {
                Stage::Prepare | Stage::Running if self.manual.waiting.is_empty() => {
                    self.print(budget)
                }
                _ => self.obey(budget),
            };
            match spent {
                Some(spent) => budget = budget.saturating_sub(spent),
                None => return,
            }
        }
    }

    /// Goes on with the print; gives the time it took, or nothing if there is nothing more to do.
    fn print(&mut self, budget: u64) -> Option<u64> {
        let job = self.job.as_mut()?;
        if let Some(activity) = &mut job.doing {
            let (spent, over) = spend(&mut self.reading, activity, budget);
            job.spent += spent;
            if over {
                job.doing = None;
            }
            return Some(spent);
        }
        let (command, bytes) = match job.next() {
            Ok(Some(next)) => next,
            Ok(None) => {
                self.end(Stage::Finished);
                self.reading.percent = 100;
                return None;
            }
            Err(error) => {
                let fault = Fault::PrintFile {
                    line: job.line(),
                    reason: sentence(&error),
                };
                self.fail(fault);
                return None;
            }
        };
        let spent = LINE + bytes / BYTES;
        job.spent += spent;
        job.show(&mut self.reading);
        let line = job.line();
        if begins_print(&command) {
            job.begun = true;
            self.reading.stage = Stage::Running;
        }
        match self.take(&command, line) {
            Taken::Done => {}
            Taken::Began(activity) => {
                if let Some(job) = &mut self.job {
                    job.doing = Some(activity);
                }
            }
            Taken::Pause => self.hold(Pause::Program),
            Taken::Failed(fault) => self.fail(fault),
        }
        Some(spent)
    }

    /// Goes on with the lines that were sent.
    fn obey(&mut self, budget: u64) -> Option<u64> {
        if let Some(activity) = &mut self.manual.doing {
            let (spent, over) = spend(&mut self.reading, activity, budget);
            if over {
                self.manual.doing = None;
            }
            return Some(spent);
        }
        let command = self.manual.waiting.pop_front()?;
        let of_print = matches!(
            command,
            Command::Progress { .. } | Command::Layer(_) | Command::Pause
        );
        if of_print {
            return Some(LINE);
        }
        if let Taken::Began(activity) = self.take(&command, 0) {
            self.manual.doing = Some(activity);
        }
        Some(LINE)
    }

    fn take(&mut self, command: &Command, line: u64) -> Taken {
        match command {
            Command::Heat(wanted) => return self.heat(*wanted, line),
            Command::Fan { fan, percent } => self.reading.fans.set(*fan, *percent),
            Command::Layer(mark) => program::mark(&mut self.reading, *mark),
            Command::Pause => return Taken::Pause,
            Command::Dwell(duration) => return Taken::Began(Activity::dwell(*duration)),
            Command::Progress {
                percent,
                remaining,
                layer,
            } => self.progress(*percent, *remaining, *layer),
            other => {
                let level = self.reading.speed_level.percent();
                if let Some(travel) = self.motion.take(other, level) {
                    return Taken::Began(Activity::Travel(travel, 0));
                }
            }
        }
        Taken::Done
    }

    fn heat(&mut self, wanted: Heat, line: u64) -> Taken {
        let heater = wanted.heater;
        if let Some(asked) = wanted.target {
            if asked > heater.most() {
                return Taken::Failed(Fault::TooHot {
                    line,
                    heater,
                    asked,
                    most: heater.most(),
                });
            }
            heat::of(&mut self.reading, heater).target = asked;
        }
        if !wanted.wait {
            return Taken::Done;
        }
        Taken::Began(Activity::Heat {
            heater,
            also_cool: wanted.wait_to_cool,
        })
    }

    fn progress(&mut self, percent: Option<u8>, remaining: Option<u32>, layer: Option<u32>) {
        // 100 is for a print that has ended.
        let percent = percent.map(|percent| percent.min(99));
        self.reading.percent = percent.unwrap_or(self.reading.percent);
        self.reading.remaining_minutes = remaining.unwrap_or(self.reading.remaining_minutes);
        if let Some(layer) = layer {
            let layers = None;
            program::mark(&mut self.reading, Mark::Number { layer, layers });
        }
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

/// A move begins the print: until then, it is being prepared.
fn begins_print(command: &Command) -> bool {
    matches!(
        command,
        Command::Move(_) | Command::Arc { .. } | Command::Layer(Mark::Next | Mark::Number { .. })
    )
}

/// An error with what it came from.
fn sentence(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", sentence(source)),
        None => error.to_string(),
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

/// Goes on with an activity; gives the time spent, and whether it is over.
fn spend(reading: &mut Reading, activity: &mut Activity, budget: u64) -> (u64, bool) {
    match activity {
        Activity::Travel(travel, gone) => {
            let spent = budget.min(travel.duration.saturating_sub(*gone));
            *gone += spent;
            reading.position = travel.place(*gone);
            (spent, *gone >= travel.duration)
        }
        Activity::Dwell(left) => {
            let spent = budget.min(*left);
            *left -= spent;
            (spent, *left == 0)
        }
        Activity::Heat { heater, also_cool } => {
            if heat::is_reached(*heat::of(reading, *heater), *also_cool) {
                (0, true)
            } else {
                (budget, false)
            }
        }
    }
}
