//! What a machine carries out, command by command: a print file, or lines that were sent to it.

use std::{collections::VecDeque, time::Duration};

use super::motion::{Motion, Travel};
use crate::{ArchiveError, Command, Heater, Lines, Mark, Plate, Reading, archive::Content};

/// Something that takes time, or an end that is waited for.
#[derive(Debug, Clone)]
pub(super) enum Activity {
    /// A way is gone, and so many microseconds of it are over.
    Travel(Travel, u64),
    /// So many microseconds are still waited for.
    Dwell(u64),
    /// A heater is waited for.
    Heat { heater: Heater, also_cool: bool },
}

impl Activity {
    /// A wait; of at least nothing and at most a day.
    pub(super) fn dwell(duration: Duration) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self::Dwell(duration.min(DAY).as_micros() as u64)
    }
}

/// A print under way.
pub(super) struct Job {
    plate: Plate,
    lines: Lines<Content>,
    /// Microseconds for which it was running or preparing.
    pub(super) spent: u64,
    /// Whether anything was moved for it yet.
    pub(super) begun: bool,
    pub(super) doing: Option<Activity>,
    /// Where the print is to go on, while it is paused and the nozzle may be elsewhere.
    pub(super) held: Option<Motion>,
}

impl Job {
    pub(super) fn new(plate: Plate) -> Self {
        Self {
            lines: plate.content_lines(),
            plate,
            spent: 0,
            begun: false,
            doing: None,
            held: None,
        }
    }

    /// The line of G-code last read.
    pub(super) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// The next command, and the bytes that were read for it. Nothing after the last, once the whole file has been
    /// found to be what was checked before the print.
    pub(super) fn next(&mut self) -> Result<Option<(Command, u64)>, ArchiveError> {
        let before = self.lines.consumed();
        let Some(line) = self.lines.next_line()? else {
            return Ok(None);
        };
        let command = Command::parse(line.text);
        Ok(Some((command, self.lines.consumed() - before)))
    }

    /// Line, percent and remaining time, by how far into the file the print is where the file itself does not tell.
    pub(super) fn show(&self, reading: &mut Reading) {
        reading.line = self.line();
        let outline = self.plate.outline();
        let (done, all) = (self.lines.consumed(), outline.bytes.max(1));
        if outline.tells_progress || done == 0 {
            return;
        }
        reading.percent = (done.saturating_mul(100) / all).min(99) as u8;
        let part = done as f64 / all as f64;
        let minutes = self.spent as f64 * (1.0 - part) / part / 60e6;
        reading.remaining_minutes = minutes.ceil() as u32;
    }
}

/// Layers, as comments and `M73` tell them.
pub(super) fn mark(reading: &mut Reading, mark: Mark) {
    let (layer, layers) = match mark {
        Mark::Next => (reading.layer.saturating_add(1), None),
        Mark::Number { layer, layers } => (layer, layers),
        Mark::Layers(layers) => (reading.layer, Some(layers)),
    };
    reading.layers = layers.unwrap_or(reading.layers);
    reading.layer = match reading.layers {
        0 => layer,
        layers => layer.min(layers),
    };
}

/// Lines that were sent to the machine.
#[derive(Default)]
pub(super) struct Manual {
    pub(super) waiting: VecDeque<Command>,
    pub(super) doing: Option<Activity>,
}

impl Manual {
    /// More than anybody sends by hand.
    pub(super) const MOST: usize = 64;
}
