//! Which printers have a device key, and whether a report is signed with it.
//!
//! A copy of the database's keys in memory, so that no decision waits for the database, and none changes because it is
//! away. A key that another gate took arrives with the next refresh.

mod replay;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ed25519_dalek::Signature;
use firstlayer_census::{DeviceKey, Serial};
use firstlayer_policy::Report;
use jiff::{SignedDuration, Timestamp};

use crate::printer::{Printer, Proof};
use replay::Replays;

/// The first line of what a printer signs: a signature over anything else is none over a report.
const PURPOSE: &str = "firstlayer-report-v1";

/// Device keys by serial number.
pub type Keys = HashMap<Serial, DeviceKey>;

/// The device keys, and what was signed with them of late.
#[derive(Debug)]
pub struct Keyring {
    keys: ArcSwap<Keys>,
    replays: Replays,
    age: SignedDuration,
}

impl Keyring {
    /// No keys yet. A report that was signed more than `age` ago, or as long ahead, is not believed.
    pub fn new(age: SignedDuration) -> Self {
        Self {
            keys: ArcSwap::default(),
            replays: Replays::default(),
            age,
        }
    }

    /// Takes the database's keys in the place of those before.
    pub fn replace(&self, keys: Keys) {
        self.keys.store(Arc::new(keys));
    }

    /// Adds the key of one printer.
    pub fn add(&self, serial: &Serial, key: DeviceKey) {
        self.keys.rcu(|keys| {
            let mut keys = Keys::clone(keys);
            keys.insert(serial.clone(), key);
            keys
        });
    }

    /// How far what is said of a printer can be believed.
    pub fn judge(&self, printer: &Printer, now: Timestamp) -> Report {
        let keys = self.keys.load();
        let Some(key) = keys.get(&printer.serial) else {
            return Report::Claimed;
        };
        match &printer.proof {
            Some(proof) if self.holds(printer, proof, key, now) => Report::Signed,
            _ => Report::Unproven,
        }
    }

    fn holds(&self, printer: &Printer, proof: &Proof, key: &DeviceKey, now: Timestamp) -> bool {
        let Ok(time) = proof.time.parse::<Timestamp>() else {
            return false;
        };
        if now.duration_since(time).abs() > self.age {
            return false;
        }
        let message = canonical(printer, &proof.time);
        let signature = Signature::from_bytes(&proof.signature);
        // Strict: the plain check takes signatures that more than one message has.
        key.verifying_key()
            .verify_strict(message.as_bytes(), &signature)
            .is_ok()
            && self.replays.is_newest(&printer.serial, time)
    }
}

/// What a printer signs: the purpose and six lines, each ended by a line feed, an empty one for a board that is not said.
pub fn canonical(printer: &Printer, time: &str) -> String {
    let Printer {
        serial,
        model,
        version,
        channel,
        board,
        ..
    } = printer;
    let board = board.as_ref().map_or("", |board| board.as_str());
    format!("{PURPOSE}\n{serial}\n{model}\n{version}\n{channel}\n{board}\n{time}\n")
}

#[cfg(test)]
mod tests;
