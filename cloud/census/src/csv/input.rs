//! The bytes of a census on their way: hashed and counted as they lie in the file, then decompressed.

use std::io::{self, BufReader, Cursor, Read};

use firstlayer_bundle::{Hasher, Sha256};
use zstd::stream::read::Decoder;

use crate::limits::WINDOW_LOG;

/// A zstd frame begins so (RFC 8878, 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Bytes that are decompressed at a time.
const BUFFER: usize = 1 << 17;

/// What is read, and what was seen of it.
pub(super) struct Input<R, P> {
    inner: R,
    hasher: Hasher,
    read: u64,
    progress: P,
}

/// The text, whichever way it comes.
pub(super) struct Text<'a> {
    pub(super) compressed: bool,
    pub(super) reader: Box<dyn Read + 'a>,
}

impl<R: Read, P: FnMut(u64)> Input<R, P> {
    pub(super) fn new(inner: R, progress: P) -> Self {
        Self {
            inner,
            hasher: Hasher::new(),
            read: 0,
            progress,
        }
    }

    /// The text: its first bytes decide what it is.
    pub(super) fn text(&mut self) -> io::Result<Text<'_>> {
        let mut first = Vec::with_capacity(MAGIC.len());
        self.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut first)?;
        let compressed = first == MAGIC;
        let whole = Cursor::new(first).chain(self);
        let reader: Box<dyn Read + '_> = if compressed {
            let mut decoder = Decoder::with_buffer(BufReader::with_capacity(BUFFER, whole))?;
            decoder.window_log_max(WINDOW_LOG)?;
            Box::new(decoder)
        } else {
            Box::new(whole)
        };
        Ok(Text { compressed, reader })
    }

    /// The hash of all that was read.
    pub(super) fn sha256(self) -> Sha256 {
        self.hasher.finish()
    }
}

impl<R: Read, P: FnMut(u64)> Read for Input<R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.read = self.read.saturating_add(count as u64);
        (self.progress)(self.read);
        Ok(count)
    }
}
