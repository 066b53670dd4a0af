//! Notices a body that brings something, but next to nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::{error::TransferError, limits::SLOWEST};

pub(super) struct Pace {
    stall: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(stall: Duration) -> Self {
        Self {
            stall,
            since: Instant::now(),
            bytes: 0,
        }
    }

    pub(super) fn came(&mut self, bytes: u64) -> Result<(), TransferError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.since.elapsed() < self.stall {
            return Ok(());
        }
        if self.bytes < SLOWEST {
            return Err(TransferError::Stalled);
        }
        *self = Self::new(self.stall);
        Ok(())
    }
}
