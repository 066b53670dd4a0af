//! The newest report of each printer that signs: an older one that comes after it was recorded by somebody.
//!
//! The same report may come again: a printer sends it with each of several requests, and it says the same each time.

use std::collections::HashMap;
use std::sync::Mutex;

use firstlayer_census::Serial;
use jiff::Timestamp;

/// When each printer signed last. As many as there are device keys at most, since only what verifies gets here.
#[derive(Debug, Default)]
pub(super) struct Replays(Mutex<HashMap<Serial, Timestamp>>);

impl Replays {
    /// Whether no later report of this printer was seen.
    pub(super) fn is_newest(&self, serial: &Serial, time: Timestamp) -> bool {
        let mut newest = match self.0.lock() {
            Ok(newest) => newest,
            // Whoever panicked here left a map that is whole.
            Err(poisoned) => poisoned.into_inner(),
        };
        match newest.get_mut(serial) {
            Some(newest) if time < *newest => false,
            Some(newest) => {
                *newest = time;
                true
            }
            None => {
                newest.insert(serial.clone(), time);
                true
            }
        }
    }
}
