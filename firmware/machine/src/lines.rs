//! The lines of a text, one at a time, each of bounded length.

use std::io::Read;

use crate::{ArchiveError, Limits};

/// A line without its end, and without most of its comment if that is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line's bytes: any, but no line feed and no carriage return at the end.
    pub text: &'a [u8],
    /// Its number, from 1.
    pub number: u64,
}

/// Reads lines. A line whose code is longer than the limit is an error; a comment's rest is skipped.
pub struct Lines<R> {
    source: R,
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
    line: Vec<u8>,
    number: u64,
    consumed: u64,
    code: usize,
    whole: u64,
}

impl<R: Read> Lines<R> {
    const BUFFER: usize = 8 << 10;

    /// The lines of a text.
    pub fn new(source: R, limits: &Limits) -> Self {
        Self {
            source,
            buffer: vec![0; Self::BUFFER].into(),
            from: 0,
            to: 0,
            line: Vec::new(),
            number: 0,
            consumed: 0,
            code: limits.code,
            whole: limits.line,
        }
    }

    /// The next line, or nothing after the last.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, ArchiveError> {
        self.line.clear();
        let start = self.consumed;
        loop {
            if self.from == self.to && !self.refill()? {
                break;
            }
            let chunk = self.buffer.get(self.from..self.to).unwrap_or_default();
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            // One byte more than the limit tells that the limit is passed.
            let room = (self.code + 1).saturating_sub(self.line.len());
            let kept = part.get(..room).unwrap_or(part);
            self.line.extend_from_slice(kept);
            let used = part.len() + usize::from(end.is_some());
            self.from += used;
            self.consumed += used as u64;
            if self.consumed - start > self.whole {
                return Err(ArchiveError::LineTooLong(self.number + 1));
            }
            if end.is_some() {
                break;
            }
        }
        if self.consumed == start {
            return Ok(None);
        }
        self.number += 1;
        self.finished()
    }

    fn finished(&self) -> Result<Option<Line<'_>>, ArchiveError> {
        if self.line.len() > self.code && !self.line.contains(&b';') {
            return Err(ArchiveError::LineTooLong(self.number));
        }
        let text = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        Ok(Some(Line {
            text,
            number: self.number,
        }))
    }

    /// Bytes of the text up to the end of the last line.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The number of the last line; 0 before the first.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn into_source(self) -> R {
        self.source
    }

    fn refill(&mut self) -> Result<bool, ArchiveError> {
        let read = loop {
            match self.source.read(&mut self.buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(ArchiveError::from_io)?,
            }
        };
        (self.from, self.to) = (0, read.min(self.buffer.len()));
        Ok(read > 0)
    }
}
