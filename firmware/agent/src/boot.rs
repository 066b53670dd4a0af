//! What the agent and the boot loader tell each other: which slot is active, which runs, which is on trial.
//!
//! The agent arms a trial and, once it is confirmed, makes its slot the active one. The boot loader counts the
//! attempts down and falls back when they are used up. Neither waits for the other.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

/// One of the two places that hold an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

/// A slot to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The slot on trial.
    pub slot: Slot,
    /// Boots that it still has; with none left the boot loader has given it up.
    pub attempts: u8,
}

/// What both read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRecord {
    /// The slot that boots when nothing is on trial: it holds a confirmed release.
    pub active: Slot,
    /// The slot that runs.
    pub running: Slot,
    /// The slot to try, if there is one.
    pub trial: Option<Trial>,
}

/// What a boot loader needs of the slots; [`play_boot_loader`] stands in for the real one.
pub trait Boot {
    /// The record as it stands.
    fn read(&self) -> io::Result<BootRecord>;
    /// Replaces it, durably.
    fn write(&mut self, record: &BootRecord) -> io::Result<()>;
    /// Whether the slot holds the image that it was blessed with. A real boot loader leaves this to dm-verity.
    fn is_intact(&self, slot: Slot) -> io::Result<bool>;
}

/// Plays the boot loader once: counts a trial down, or falls back, and says which slot runs now.
pub fn play_boot_loader(boot: &mut dyn Boot) -> io::Result<BootRecord> {
    let mut record = boot.read()?;
    record.running = record.active;
    if let Some(trial) = &mut record.trial {
        // An image that cannot be read is not booted, and must not keep the other one from it.
        let intact = |slot| boot.is_intact(slot).unwrap_or(false);
        if trial.attempts > 0 && intact(trial.slot) {
            trial.attempts = trial.attempts.saturating_sub(1);
            record.running = trial.slot;
        } else {
            trial.attempts = 0;
        }
    }
    // Counted before the image starts: one that hangs has used its attempt.
    boot.write(&record)?;
    Ok(record)
}

impl Slot {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl BootRecord {
    /// The slot that an update goes to: never the active one.
    pub fn inactive(&self) -> Slot {
        self.active.other()
    }

    /// Whether the boot loader tried the inactive slot and gave it up.
    pub fn fell_back(&self) -> bool {
        self.running == self.active && self.trial.is_some_and(|trial| trial.attempts == 0)
    }
}

impl Default for BootRecord {
    /// As a printer leaves the factory.
    fn default() -> Self {
        Self {
            active: Slot::A,
            running: Slot::A,
            trial: None,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory {
        record: BootRecord,
        /// `None` if the image cannot be read.
        intact: Option<bool>,
    }

    impl Boot for Memory {
        fn read(&self) -> io::Result<BootRecord> {
            Ok(self.record)
        }

        fn write(&mut self, record: &BootRecord) -> io::Result<()> {
            self.record = *record;
            Ok(())
        }

        fn is_intact(&self, _slot: Slot) -> io::Result<bool> {
            self.intact.ok_or(io::ErrorKind::NotFound.into())
        }
    }

    fn armed(attempts: u8, intact: Option<bool>) -> Memory {
        let trial = Some(Trial {
            slot: Slot::B,
            attempts,
        });
        Memory {
            record: BootRecord {
                trial,
                ..BootRecord::default()
            },
            intact,
        }
    }

    #[test]
    fn a_trial_that_never_confirms_falls_back_when_its_attempts_are_used_up() {
        let mut boot = armed(2, Some(true));
        let boots: Vec<Slot> = (0..4)
            .map(|_| play_boot_loader(&mut boot).unwrap().running)
            .collect();
        assert_eq!(boots, [Slot::B, Slot::B, Slot::A, Slot::A]);
        assert!(boot.record.fell_back());
    }

    #[test]
    fn a_slot_that_is_not_intact_or_cannot_be_read_is_never_booted() {
        for intact in [Some(false), None] {
            let mut boot = armed(2, intact);
            assert_eq!(play_boot_loader(&mut boot).unwrap().running, Slot::A);
            assert!(boot.record.fell_back());
        }
    }

    #[test]
    fn without_a_trial_the_active_slot_boots() {
        let record = BootRecord {
            active: Slot::B,
            ..BootRecord::default()
        };
        let mut boot = Memory {
            record,
            intact: None,
        };
        assert_eq!(play_boot_loader(&mut boot).unwrap().running, Slot::B);
        assert!(!boot.record.fell_back());
    }
}
