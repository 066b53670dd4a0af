//! A buffer on its way between a socket and the card. Two of them go round, so a transfer never allocates more.

use tokio::sync::mpsc;

use super::limits::{CHUNK_BYTES, CHUNKS};

/// A buffer of fixed size, filled from its start.
#[derive(Debug)]
pub(crate) struct Chunk {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Chunk {
    fn new() -> Self {
        Self {
            bytes: vec![0; CHUNK_BYTES].into_boxed_slice(),
            filled: 0,
        }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Where the next bytes go; empty when it is full.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// Counts bytes that were put into [`Chunk::free`].
    pub(crate) fn advance(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.bytes.len());
    }

    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }
}

/// The way that empty buffers come back, with all of them on it.
pub(crate) fn empty_chunks() -> (mpsc::Sender<Chunk>, mpsc::Receiver<Chunk>) {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    for _ in 0..CHUNKS {
        // There is room for each.
        let _ = sender.try_send(Chunk::new());
    }
    (sender, receiver)
}
