//! An entry's content, decompressed as it is read, and compared with the archive's length and CRC at its end.

use std::{
    io::{self, BufRead, Read},
    sync::Arc,
};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::ArchiveError;
use crate::{Medium, medium::Stretch};

/// How an entry is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

/// Where content lies, and what it must be.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) method: Method,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Bytes, decompressed.
    pub(crate) size: u64,
    pub(crate) crc: u32,
}

/// Reads content from its first byte to its last. Its end is only ever an `Ok(0)` if length and CRC hold; until then
/// what it gives is unproven.
pub(crate) struct Content {
    stretch: Stretch,
    inflate: Option<Decompress>,
    /// Bytes still to come.
    left: u64,
    crc: Crc,
    expected_crc: Option<u32>,
    ended: bool,
}

impl Content {
    pub(crate) fn new(medium: Arc<dyn Medium>, source: &Source) -> Self {
        Self {
            stretch: Stretch::new(medium, source.start, source.end),
            inflate: (source.method == Method::Deflated).then(|| Decompress::new(false)),
            left: source.size,
            crc: Crc::new(),
            expected_crc: Some(source.crc),
            ended: false,
        }
    }

    /// Content of which nobody has told the CRC yet.
    pub(crate) fn unproven(medium: Arc<dyn Medium>, source: &Source) -> Self {
        Self {
            expected_crc: None,
            ..Self::new(medium, source)
        }
    }

    /// The CRC of what has been read.
    pub(crate) fn crc(&self) -> u32 {
        self.crc.sum()
    }

    fn finish(&mut self) -> Result<(), ArchiveError> {
        if self
            .expected_crc
            .is_some_and(|expected| expected != self.crc.sum())
        {
            return Err(ArchiveError::Crc);
        }
        self.ended = true;
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        let read = match &mut self.inflate {
            None => self.stretch.read(buffer)?,
            Some(inflate) => inflated(inflate, &mut self.stretch, buffer)?,
        };
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(ArchiveError::Length)?;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        if read == 0 {
            if self.left != 0 {
                return Err(ArchiveError::Length.into());
            }
            self.finish()?;
        }
        Ok(read)
    }
}

/// Decompresses into the buffer; 0 at the end of the deflate stream, which must be the end of the stretch.
fn inflated(
    inflate: &mut Decompress,
    stretch: &mut Stretch,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        let input = stretch.fill_buf()?;
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, buffer, FlushDecompress::None)
            .map_err(|_| ArchiveError::Deflate)?;
        let consumed = usize::try_from(inflate.total_in() - before_in).unwrap_or(usize::MAX);
        let made = usize::try_from(inflate.total_out() - before_out).unwrap_or(usize::MAX);
        stretch.consume(consumed);
        if made > 0 {
            return Ok(made);
        }
        match status {
            Status::StreamEnd if stretch.fill_buf()?.is_empty() => return Ok(0),
            Status::StreamEnd => return Err(ArchiveError::Deflate.into()),
            // Neither input nor output: the stream is cut off.
            _ if consumed == 0 => return Err(ArchiveError::Deflate.into()),
            _ => {}
        }
    }
}
