//! Where a print file's bytes lie, and reading a stretch of them in order through a small buffer.

use std::{
    fs::File,
    io::{self, BufRead, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Bytes that can be read at any place: a file on the card, or memory.
pub trait Medium: Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> io::Result<u64>;

    /// Reads bytes from `offset` on. 0 means that there are none.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Medium for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl Medium for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        self.get(from..).unwrap_or_default().read(buffer)
    }
}

/// A stretch of a medium, read from its first byte to its last. A medium that ends before it is an error, never an end.
pub(crate) struct Stretch {
    medium: Arc<dyn Medium>,
    /// Where the next bytes for the buffer lie.
    next: u64,
    end: u64,
    buffer: Box<[u8]>,
    /// What of the buffer is filled and not consumed.
    from: usize,
    to: usize,
}

impl Stretch {
    const BUFFER: usize = 16 << 10;

    /// The bytes from `start` to before `end`.
    pub(crate) fn new(medium: Arc<dyn Medium>, start: u64, end: u64) -> Self {
        let wanted = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        Self {
            medium,
            next: start,
            end,
            buffer: vec![0; wanted.min(Self::BUFFER)].into(),
            from: 0,
            to: 0,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let left = usize::try_from(self.end.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let room = left.min(self.buffer.len());
        if room == 0 {
            return Ok(());
        }
        let place = self.buffer.get_mut(..room).unwrap_or_default();
        let read = loop {
            match self.medium.read_at(place, self.next) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?.min(room),
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.next += read as u64;
        (self.from, self.to) = (0, read);
        Ok(())
    }
}

impl BufRead for Stretch {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            self.refill()?;
        }
        Ok(self.buffer.get(self.from..self.to).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.from = self.from.saturating_add(amount).min(self.to);
    }
}

impl Read for Stretch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
