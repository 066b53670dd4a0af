//! The end of an archive: where its directory lies, and that nothing lies before or behind the archive.
//!
//! Names in this folder follow PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16. Stricter than that: exactly one end,
//! no byte behind it, the directory right before it, one disk.

use std::{io::Read, sync::Arc};

use super::{ArchiveError, fields::Fields};
use crate::{Limits, Medium, medium::Stretch};

const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
const END_LENGTH: usize = 22;
const LOCATOR64_LENGTH: u64 = 20;
const END64_LENGTH: u64 = 56;

/// Where the directory lies.
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) entries: u64,
}

/// Finds the directory, and checks that it is where the end says.
pub(super) fn find(medium: &Arc<dyn Medium>, limits: &Limits) -> Result<Directory, ArchiveError> {
    let length = medium.length().map_err(ArchiveError::Read)?;
    let begins_as_archive =
        length >= 4 && matches!(read(medium, 0, 4)?.as_slice(), b"PK\x03\x04" | END);
    // The end is followed by a comment of up to 65,535 bytes.
    let tail_start = length.saturating_sub((END_LENGTH + usize::from(u16::MAX)) as u64);
    let tail = read(medium, tail_start, length)?;
    let Some(at) = end_in(&tail)? else {
        return Err(if begins_as_archive {
            ArchiveError::Truncated
        } else {
            ArchiveError::NotAnArchive
        });
    };
    let end_at = tail_start + at as u64;
    let narrow = Numbers::narrow(tail.get(at..).unwrap_or_default())?;
    let (directory_end, numbers) = match end64(medium, end_at)? {
        Some((end64_at, wide)) if narrow.agrees_with(&wide) => (end64_at, wide),
        Some(_) => return Err(ArchiveError::AmbiguousEnd),
        None => (end_at, narrow),
    };
    numbers.check(limits)?;
    let start = directory_end
        .checked_sub(numbers.length)
        .ok_or(ArchiveError::NoDirectory)?;
    if numbers.offset != start {
        let entry = read(medium, start, length.min(start + 4))?;
        let moved = numbers.offset < start && entry == super::directory::ENTRY;
        return Err(if moved {
            ArchiveError::Prepended
        } else {
            ArchiveError::NoDirectory
        });
    }
    Ok(Directory {
        start,
        end: directory_end,
        entries: numbers.entries,
    })
}

/// The place of the only end whose comment reaches exactly to the end of the file.
fn end_in(tail: &[u8]) -> Result<Option<usize>, ArchiveError> {
    let mut ends = tail
        .windows(END_LENGTH)
        .enumerate()
        .filter(|(at, window)| {
            let comment = window.get(20..22).map_or(0, |bytes| {
                usize::from(bytes.first().copied().unwrap_or_default())
                    | usize::from(bytes.last().copied().unwrap_or_default()) << 8
            });
            window.starts_with(END) && at + END_LENGTH + comment == tail.len()
        })
        .map(|(at, _)| at);
    let found = ends.next();
    if ends.next().is_some() {
        return Err(ArchiveError::AmbiguousEnd);
    }
    Ok(found)
}

/// What an end says of the directory.
struct Numbers {
    entries: u64,
    length: u64,
    offset: u64,
}

impl Numbers {
    /// From an end of the old form. All ones mean that another end says more.
    fn narrow(end: &[u8]) -> Result<Self, ArchiveError> {
        let mut fields = Fields(end.get(4..).unwrap_or_default());
        let numbers = (|| {
            let disks = (fields.u16()?, fields.u16()?);
            let entries = (fields.u16()?, fields.u16()?);
            let found = Self {
                entries: entries.1.into(),
                length: fields.u32()?.into(),
                offset: fields.u32()?.into(),
            };
            Some((
                matches!(disks, (0 | u16::MAX, 0 | u16::MAX)) && entries.0 == entries.1,
                found,
            ))
        })();
        one_disk(numbers)
    }

    /// From an end of the form for large archives.
    fn wide(end: &[u8]) -> Result<Self, ArchiveError> {
        let mut fields = Fields(end.get(16..).unwrap_or_default());
        let numbers = (|| {
            let disks = (fields.u32()?, fields.u32()?);
            let entries = (fields.u64()?, fields.u64()?);
            let found = Self {
                entries: entries.1,
                length: fields.u64()?,
                offset: fields.u64()?,
            };
            Some((disks == (0, 0) && entries.0 == entries.1, found))
        })();
        one_disk(numbers)
    }

    fn agrees_with(&self, wide: &Self) -> bool {
        let same = |narrow: u64, wide: u64, all_ones: u64| narrow == wide || narrow == all_ones;
        same(self.entries, wide.entries, u16::MAX.into())
            && same(self.length, wide.length, u32::MAX.into())
            && same(self.offset, wide.offset, u32::MAX.into())
    }

    fn check(&self, limits: &Limits) -> Result<(), ArchiveError> {
        if self.entries > limits.entries {
            return Err(ArchiveError::TooManyEntries {
                found: self.entries,
                limit: limits.entries,
            });
        }
        if self.length > limits.directory {
            return Err(ArchiveError::DirectoryTooLong {
                found: self.length,
                limit: limits.directory,
            });
        }
        Ok(())
    }
}

fn one_disk(numbers: Option<(bool, Numbers)>) -> Result<Numbers, ArchiveError> {
    match numbers {
        Some((true, numbers)) => Ok(numbers),
        Some((false, _)) => Err(ArchiveError::SeveralDisks),
        None => Err(ArchiveError::Truncated),
    }
}

/// The end for large archives, if its locator lies before the end of the old form.
fn end64(medium: &Arc<dyn Medium>, end_at: u64) -> Result<Option<(u64, Numbers)>, ArchiveError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR64_LENGTH) else {
        return Ok(None);
    };
    let locator = read(medium, locator_at, end_at)?;
    if !locator.starts_with(LOCATOR64) {
        return Ok(None);
    }
    // Right before its locator: an extensible data sector, which nobody writes, is refused.
    let at = locator_at
        .checked_sub(END64_LENGTH)
        .ok_or(ArchiveError::AmbiguousEnd)?;
    let told = Fields(locator.get(8..).unwrap_or_default()).u64();
    let end = read(medium, at, locator_at)?;
    if !end.starts_with(END64) {
        return Err(ArchiveError::AmbiguousEnd);
    }
    if told != Some(at) {
        return Err(if told.is_some_and(|told| told < at) {
            ArchiveError::Prepended
        } else {
            ArchiveError::AmbiguousEnd
        });
    }
    Ok(Some((at, Numbers::wide(&end)?)))
}

/// A few bytes from the medium; at most 65,557.
fn read(medium: &Arc<dyn Medium>, from: u64, to: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    Stretch::new(Arc::clone(medium), from, to)
        .read_to_end(&mut bytes)
        .map_err(ArchiveError::Read)?;
    Ok(bytes)
}
