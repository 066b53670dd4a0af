//! A reader that tells how far it has come.

use std::io::{Read, Result};

use crate::progress::{Event, Progress};

/// Passes bytes through, and emits an event for each read.
pub(crate) struct Watched<'a, R> {
    inner: R,
    done: u64,
    progress: &'a dyn Progress,
}

impl<'a, R: Read> Watched<'a, R> {
    /// Starts at 0, in the unit of bytes.
    pub(crate) fn new(inner: R, progress: &'a dyn Progress) -> Self {
        Self {
            inner,
            done: 0,
            progress,
        }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done = self.done.saturating_add(count as u64);
        self.progress.event(Event::Advanced { done: self.done });
        Ok(count)
    }
}
