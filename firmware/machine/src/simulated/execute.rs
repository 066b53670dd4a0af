//! What happens in a tick: heat, and command after command until the tick's time is spent.

use std::error::Error;

use super::{
    Simulated, TICK, heat,
    program::{self, Activity},
};
use crate::{Command, Fault, Heat, Mark, Pause, Reading, Stage};

/// Microseconds that a line takes at least, and bytes that are read in one. As on a machine of metal, and so that a
/// file full of comments is not read in a single tick.
const LINE: u64 = 20;
const BYTES: u64 = 20;

/// What came of taking on a command.
enum Taken {
    Done,
    Began(Activity),
    Pause,
    Failed(Fault),
}

impl Simulated {
    /// One tick passes.
    pub(super) fn tick(&mut self) {
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
        match job.next() {
            Ok(Some((command, bytes))) => Some(self.print_next(&command, bytes)),
            Ok(None) => {
                self.end(Stage::Finished);
                self.reading.percent = 100;
                None
            }
            Err(error) => {
                let (line, reason) = (job.line(), sentence(&error));
                self.fail(Fault::PrintFile { line, reason });
                None
            }
        }
    }

    /// Takes on a line of the print; gives the time that this takes.
    fn print_next(&mut self, command: &Command, bytes: u64) -> u64 {
        let spent = LINE + bytes / BYTES;
        let mut line = 0;
        if let Some(job) = &mut self.job {
            job.spent += spent;
            job.show(&mut self.reading);
            line = job.line();
            if begins_print(command) {
                job.begun = true;
                self.reading.stage = Stage::Running;
            }
        }
        match (self.take(command, line), &mut self.job) {
            (Taken::Began(activity), Some(job)) => job.doing = Some(activity),
            (Taken::Pause, _) => self.hold(Pause::Program),
            (Taken::Failed(fault), _) => self.fail(fault),
            _ => {}
        }
        spent
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
}

/// A move begins the print: until then, it is being prepared.
fn begins_print(command: &Command) -> bool {
    matches!(
        command,
        Command::Move(_) | Command::Arc { .. } | Command::Layer(Mark::Next | Mark::Number { .. })
    )
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

/// An error with what it came from.
fn sentence(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", sentence(source)),
        None => error.to_string(),
    }
}
