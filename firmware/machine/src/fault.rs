//! What can go wrong with a machine, and what it does not do when asked.

use crate::Heater;

/// Why a print ended before its end, or is paused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is broken: the owner ended the print.
    #[error("the print was stopped by its owner")]
    Stopped,
    /// The print file can no longer be read, or is no longer what was checked before the print.
    #[error("the print file could not be read after line {line}: {reason}")]
    PrintFile {
        /// The last line that was read.
        line: u64,
        /// Why, in one sentence.
        reason: String,
    },
    /// The print file asks for more than the machine may do.
    #[error(
        "line {line} of the print file asks for {asked} °C at the {heater}, and at most {most} °C are allowed"
    )]
    TooHot {
        /// The line in question.
        line: u64,
        /// What it wants to heat.
        heater: Heater,
        /// The target it names, in degrees Celsius.
        asked: u16,
        /// The highest target, in degrees Celsius.
        most: u16,
    },
    /// The machine is broken.
    #[error("the {0} does not heat as it should")]
    Heating(Heater),
    /// The machine is broken, or something is in its way.
    #[error("a motor lost its steps")]
    Motor,
    /// The owner has to load filament.
    #[error("the filament has run out")]
    FilamentRunOut,
}

impl Fault {
    /// Whether the machine itself is at fault, so that nothing may start before its owner has cleared it.
    pub fn is_of_machine(&self) -> bool {
        matches!(self, Self::Heating(_) | Self::Motor | Self::FilamentRunOut)
    }

    /// Whether a print can go on once the owner has put it right.
    pub fn can_be_put_right(&self) -> bool {
        matches!(self, Self::FilamentRunOut)
    }
}

/// Why a machine does not do what it was asked for. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// One print at a time.
    #[error("a print is under way")]
    Busy,
    /// There is nothing to pause, resume or stop.
    #[error("no print is under way")]
    NoPrint,
    /// A pause in a pause.
    #[error("the print is paused already")]
    AlreadyPaused,
    /// A resume without a pause.
    #[error("the print is not paused")]
    NotPaused,
    /// The machine is broken until its owner says otherwise.
    #[error("a fault has to be cleared first: {0}")]
    Fault(Fault),
    /// There is no fault to clear.
    #[error("there is no fault to clear")]
    NoFault,
    /// A line that moves the machine while a print does.
    #[error("the machine cannot be moved while a print is running")]
    Moving,
    /// Text that is no G-code.
    #[error("this is not a line of G-code")]
    NotGcode,
    /// A line longer than any that is needed.
    #[error("a line of G-code has at most {0} bytes before its comment")]
    LineTooLong(usize),
    /// Lines come faster than they can be carried out.
    #[error("too many lines of G-code are waiting")]
    TooManyLines,
    /// A line that asks for more than the machine may do.
    #[error("the {heater} takes at most {most} °C, and {asked} °C were asked for")]
    TooHot {
        /// What was to be heated.
        heater: Heater,
        /// The target asked for, in degrees Celsius.
        asked: u16,
        /// The highest target, in degrees Celsius.
        most: u16,
    },
}
