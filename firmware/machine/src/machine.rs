//! What every machine can be asked for, whether it is one of metal or a simulated one.

use std::time::Duration;

use crate::{Fan, Light, Plate, Reading, Refused, SpeedLevel};

/// A machine that prints one plate at a time.
///
/// No function waits: each changes the machine's state, or says why not, and the work is done in [`Machine::advance`].
pub trait Machine: Send {
    /// Begins to print a plate. Anything but a print under way, or a fault of the machine's own, may come before it.
    fn start(&mut self, plate: Plate) -> Result<(), Refused>;

    /// Holds the print where it is. Heaters stay on.
    fn pause(&mut self) -> Result<(), Refused>;

    /// Goes on with a paused print.
    fn resume(&mut self) -> Result<(), Refused>;

    /// Ends the print for good: the stage is `Failed(Fault::Stopped)`, heaters and fans are off.
    fn stop(&mut self) -> Result<(), Refused>;

    /// Carries out G-code that is not of a print: one line, or several with line breaks between them, all or none.
    /// While a print is running, nothing that moves the machine or waits.
    fn run_line(&mut self, gcode: &str) -> Result<(), Refused>;

    /// Switches the chamber's light.
    fn set_light(&mut self, light: Light);

    /// Sets a fan's speed in percent; more than 100 is 100.
    fn set_fan(&mut self, fan: Fan, percent: u8);

    /// Sets how fast the owner wants prints.
    fn set_speed_level(&mut self, level: SpeedLevel);

    /// The owner has put right what was wrong: `Failed` becomes `Idle`, and a pause for a fault becomes the owner's.
    fn clear_fault(&mut self) -> Result<(), Refused>;

    /// Time has passed: the machine does what it does in this time. It may read the print file, and so block on the
    /// card for a moment.
    fn advance(&mut self, elapsed: Duration);

    /// How the machine is now.
    fn reading(&self) -> &Reading;
}
