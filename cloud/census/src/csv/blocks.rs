//! The text of a census in blocks that end with a line.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

use super::{header::Header, input::Text};
use crate::{CensusError, Fault, Limits};

/// Some spreadsheets begin a file with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole lines, and the number of the first.
pub(super) struct Block {
    first: u64,
    text: Vec<u8>,
}

/// Cuts the text.
pub(super) struct Blocks<'a> {
    name: &'a str,
    limits: &'a Limits,
    text: Text<'a>,
    /// Bytes of a block; more only where a line is longer.
    size: usize,
    /// What was read after the last line break.
    rest: Vec<u8>,
    /// The number of its line.
    line: u64,
    /// Bytes that were read in all.
    bytes: u64,
}

impl Block {
    /// Each line with its number, without its end; empty lines are left out.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let ends = memchr_iter(b'\n', &self.text).chain([self.text.len()]);
        let lines = ends.scan(0, |start, end| {
            let line = self.text.get(*start..end);
            *start = end.saturating_add(1);
            line
        });
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        (self.first..)
            .zip(lines)
            .filter(|(_, line)| !line.is_empty())
    }
}

impl<'a> Blocks<'a> {
    pub(super) fn new(name: &'a str, text: Text<'a>, limits: &'a Limits, size: usize) -> Self {
        Self {
            name,
            limits,
            text,
            size,
            rest: Vec::new(),
            line: 1,
            bytes: 0,
        }
    }

    /// The first line. What was read after it is the beginning of the next block.
    pub(super) fn header(&mut self) -> Result<Header, CensusError> {
        let mut block = self.next()?.map(|block| block.text).unwrap_or_default();
        let end = memchr(b'\n', &block).unwrap_or(block.len());
        let mut rest = block.split_off(end);
        rest.extend_from_slice(&self.rest);
        self.rest = rest.split_off(rest.len().min(1));
        self.line = 2;
        let line = block.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&block);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Header::parse(line, self.limits).map_err(|fault| self.fault(1, fault))
    }

    /// The next lines; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Block>, CensusError> {
        let mut text = std::mem::take(&mut self.rest);
        loop {
            let wanted = self.size.max(1);
            let ended = self.fill(&mut text, wanted)? < wanted;
            let whole = match memrchr(b'\n', &text) {
                _ if ended => text.len(),
                Some(end) => end.saturating_add(1),
                None if text.len() > self.limits.line => {
                    let limit = self.limits.line;
                    return Err(self.fault(self.line, Fault::TooLong { limit }));
                }
                None => continue,
            };
            self.rest = text.split_off(whole);
            let first = self.line;
            let lines = memchr_iter(b'\n', &text).count();
            self.line = first.saturating_add(lines as u64);
            return Ok((!text.is_empty()).then_some(Block { first, text }));
        }
    }

    /// Reads so many bytes more, fewer only at the end.
    fn fill(&mut self, text: &mut Vec<u8>, wanted: usize) -> Result<usize, CensusError> {
        let left = self.limits.bytes.saturating_sub(self.bytes);
        let allowed = left.saturating_add(1).min(wanted as u64);
        text.reserve(usize::try_from(allowed).unwrap_or(wanted));
        let reader = self.text.reader.by_ref();
        let count = reader
            .take(allowed)
            .read_to_end(text)
            .map_err(|source| self.unreadable(source))?;
        self.bytes = self.bytes.saturating_add(count as u64);
        if self.bytes > self.limits.bytes {
            return Err(CensusError::TooLarge {
                file: self.name.to_owned(),
                limit: self.limits.bytes,
            });
        }
        Ok(count)
    }

    /// An error that the system has no number for comes from zstd.
    fn unreadable(&self, source: io::Error) -> CensusError {
        let file = self.name.to_owned();
        if self.text.compressed && source.raw_os_error().is_none() {
            CensusError::Compressed { file, source }
        } else {
            CensusError::Read { file, source }
        }
    }

    fn fault(&self, line: u64, fault: Fault) -> CensusError {
        let file = self.name.to_owned();
        CensusError::Line { file, line, fault }
    }
}
