//! The clock, and why it is not believed at once.
//!
//! A printer may have no clock, or one that a power cut set back to 1970; then expired metadata would look
//! fresh. So the agent keeps the newest time that has *certainly* passed and never reckons with an earlier one:
//!
//! - the build time of the running image, which came with a verified image;
//! - the build times of releases in a verified channel manifest, as far as they lie before the expiry of the
//!   timestamp that vouches for it (a mistaken build time in the future must not expire everything);
//! - the clock itself, whenever metadata was verified by it: its time then lies before every expiry. A clock
//!   that runs ahead makes metadata look expired, and leaves no trace.
//!
//! Each later timestamp expires later, so this time never overtakes what the repository publishes.

use std::{io, thread, time::Duration};

use jiff::Timestamp;

/// Tells the time, and waits.
pub trait Clock {
    /// What the clock shows, right or wrong.
    fn now(&self) -> Timestamp;
    /// Returns after this time.
    fn sleep(&self, time: Duration);
}

/// Starts the printer anew, into whatever the boot loader chooses.
pub trait Reboot {
    /// Asks for a reboot; it may begin after this returns.
    fn reboot(&mut self) -> io::Result<()>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}
