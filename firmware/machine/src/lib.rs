//! The machine that prints: what a print file must be, and a simulated machine that executes its G-code.
//!
//! It opens no file and no socket, starts no thread, and reads no clock: whoever drives it hands it opened files, and
//! says how much time has passed.

#![forbid(unsafe_code)]

mod archive;
mod fault;
mod gcode;
mod limits;
mod lines;
mod machine;
mod medium;
mod plate;
mod reading;
mod simulated;

pub use archive::ArchiveError;
pub use fault::{Fault, Refused};
pub use gcode::{Command, Heat, Mark, Move};
pub use limits::Limits;
pub use lines::{Line, Lines};
pub use machine::Machine;
pub use medium::Medium;
pub use plate::{Outline, Plate};
pub use reading::{
    Fan, Fans, Heater, Light, Pause, Position, Reading, SpeedLevel, Stage, Temperature,
};
pub use simulated::{Pace, Simulated};
