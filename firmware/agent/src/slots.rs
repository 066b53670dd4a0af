//! Where images go. No operation names a slot: all act on the inactive one, so the active slot cannot be written.

use std::io;

use firstlayer_bundle::Sha256;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{BootRecord, VerifiedImage};

/// What a blessed slot holds, wholly verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blessing {
    /// Version of the release.
    pub version: Version,
    /// Hash of the bundle that it came from.
    pub bundle: Sha256,
    /// Bytes of the image.
    pub length: u64,
    /// Hash of the image, computed from what was read back.
    pub sha256: Sha256,
}

/// The two slots of a printer, and what its boot loader is told about them.
pub trait Slots {
    /// What the agent and the boot loader last agreed on.
    fn boot(&self) -> io::Result<BootRecord>;
    /// Bytes that the inactive slot holds.
    fn capacity(&self) -> io::Result<u64>;
    /// What the inactive slot was blessed with, if it is.
    fn blessing(&self) -> io::Result<Option<Blessing>>;
    /// Ends any trial and takes the inactive slot's blessing away, durably. Its bytes stay: frames may be reused.
    /// Refuses if the inactive slot is the one that runs.
    fn invalidate(&mut self) -> io::Result<()>;
    /// The inactive slot's bytes. Refuses if it is blessed: invalidate first.
    fn image(&mut self) -> io::Result<Box<dyn SlotImage>>;
    /// Blesses the inactive slot, durably: the last step of an install.
    fn bless(&mut self, image: &VerifiedImage) -> io::Result<()>;
    /// Has the boot loader try the inactive slot, which must be blessed, so many times.
    fn arm(&mut self, attempts: u8) -> io::Result<()>;
    /// Ends a trial; the active slot boots next.
    fn disarm(&mut self) -> io::Result<()>;
    /// Makes the running slot the active one, and ends its trial.
    fn promote(&mut self) -> io::Result<()>;
}

/// The bytes of a slot, which two threads may use at once.
pub trait SlotImage: Send + Sync {
    /// Reads at `offset` into the front of `buffer`; 0 bytes at the end of what was ever written.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`. Refuses to go past the slot's end.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once everything written so far is on the medium. What is read back may still be the system's copy of
    /// it in memory: whether the medium kept it shows when it is booted.
    fn sync(&self) -> io::Result<()>;
}

/// Fills as much of `buffer` as the slot has bytes from `offset` on.
pub(crate) fn fill(image: &dyn SlotImage, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match image.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
