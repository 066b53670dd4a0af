//! What a machine shows of itself. Plain data: nothing here decides anything.

use std::fmt;

use crate::Fault;

/// Everything that reports tell about the machine, at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// What it is doing.
    pub stage: Stage,
    /// Progress of the print, 0 to 100. It stays as it was after the end of a print, until the next one.
    pub percent: u8,
    /// The line of G-code last taken from the print file, from 1.
    pub line: u64,
    /// The layer that is being printed, from 1; 0 before the first.
    pub layer: u32,
    /// Layers of the print file; 0 if it does not say.
    pub layers: u32,
    /// Minutes until the print ends, rounded up; 0 if not known.
    pub remaining_minutes: u32,
    /// The nozzle.
    pub nozzle: Temperature,
    /// The bed.
    pub bed: Temperature,
    /// The chamber.
    pub chamber: Temperature,
    /// The fans.
    pub fans: Fans,
    /// How fast the owner wants the print.
    pub speed_level: SpeedLevel,
    /// The chamber's light.
    pub light: Light,
    /// Where the nozzle is.
    pub position: Position,
}

impl Reading {
    /// A machine that is idle in a room of 25 °C.
    pub fn idle() -> Self {
        let cold = Temperature {
            current: 25.0,
            target: 0,
        };
        Self {
            stage: Stage::Idle,
            percent: 0,
            line: 0,
            layer: 0,
            layers: 0,
            remaining_minutes: 0,
            nozzle: cold,
            bed: cold,
            chamber: cold,
            fans: Fans::default(),
            speed_level: SpeedLevel::Standard,
            light: Light::On,
            position: Position::default(),
        }
    }
}

/// What a machine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing, and no print stands finished on its bed.
    Idle,
    /// It has a plate, and heats and homes for it; nothing was moved for the print yet.
    Prepare,
    /// It prints.
    Running,
    /// It holds a print that can go on.
    Paused(Pause),
    /// The print was carried out to its end.
    Finished,
    /// The print ended before its end, or the machine found a fault in itself.
    Failed(Fault),
}

impl Stage {
    /// Whether a print is under way: preparing, running or paused.
    pub fn has_job(&self) -> bool {
        matches!(self, Self::Prepare | Self::Running | Self::Paused(_))
    }
}

/// Why a print is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// The owner asked for it.
    Owner,
    /// The print file asked for it.
    Program,
    /// Something is wrong that the owner can put right, and then resume.
    Fault(Fault),
}

/// A temperature and what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// Degrees Celsius.
    pub current: f32,
    /// Degrees Celsius; 0 is off.
    pub target: u16,
}

/// Something that heats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heater {
    /// Melts the filament.
    Nozzle,
    /// Holds the print.
    Bed,
    /// Keeps the print from warping.
    Chamber,
}

impl Heater {
    /// The highest target, in degrees Celsius.
    pub fn most(self) -> u16 {
        match self {
            Self::Nozzle => 320,
            Self::Bed => 120,
            Self::Chamber => 65,
        }
    }
}

impl fmt::Display for Heater {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nozzle => "nozzle",
            Self::Bed => "bed",
            Self::Chamber => "chamber",
        })
    }
}

/// A fan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// Cools the part.
    Part,
    /// Blows over the bed from the side.
    Auxiliary,
    /// Empties the chamber.
    Chamber,
}

/// The fans' speeds, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fans {
    /// Of [`Fan::Part`].
    pub part: u8,
    /// Of [`Fan::Auxiliary`].
    pub auxiliary: u8,
    /// Of [`Fan::Chamber`].
    pub chamber: u8,
}

impl Fans {
    /// Sets one fan; more than 100 percent is 100.
    pub fn set(&mut self, fan: Fan, percent: u8) {
        let place = match fan {
            Fan::Part => &mut self.part,
            Fan::Auxiliary => &mut self.auxiliary,
            Fan::Chamber => &mut self.chamber,
        };
        *place = percent.min(100);
    }
}

/// How fast the owner wants a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeedLevel {
    /// Half the speed.
    Silent,
    /// As the print file says.
    Standard,
    /// A quarter faster.
    Sport,
    /// Two thirds faster.
    Ludicrous,
}

impl SpeedLevel {
    /// The level with the number that the protocol gives it, 1 to 4.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Silent),
            2 => Some(Self::Standard),
            3 => Some(Self::Sport),
            4 => Some(Self::Ludicrous),
            _ => None,
        }
    }

    /// Its number, 1 to 4.
    pub fn number(self) -> u8 {
        match self {
            Self::Silent => 1,
            Self::Standard => 2,
            Self::Sport => 3,
            Self::Ludicrous => 4,
        }
    }

    /// Its speed, in percent of what the print file says.
    pub fn percent(self) -> u16 {
        match self {
            Self::Silent => 50,
            Self::Standard => 100,
            Self::Sport => 124,
            Self::Ludicrous => 166,
        }
    }
}

/// The chamber's light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// Lit.
    On,
    /// Dark.
    Off,
    /// Blinking.
    Flashing,
}

/// Where the nozzle is, in millimetres.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Position {
    /// Left to right.
    pub x: f32,
    /// Front to back.
    pub y: f32,
    /// Bed to nozzle.
    pub z: f32,
}
