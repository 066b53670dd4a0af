//! The header before an entry's content, which must say the same as the directory: programs differ in which of the
//! two they read.

use std::{io::Read, sync::Arc};

use super::{
    ArchiveError, Method, Source,
    directory::Entry,
    fields::{Fields, wide, zip64},
};
use crate::{Medium, medium::Stretch};

const HEADER: u64 = 30;
/// CRC and sizes follow the content, and may be zero before it.
const DESCRIPTOR: u16 = 1 << 3;

/// Reads and compares the header, and tells where the content lies.
pub(super) fn check(medium: &Arc<dyn Medium>, entry: &Entry) -> Result<Source, ArchiveError> {
    let disagrees = || ArchiveError::LocalHeader(entry.name.clone());
    let method = match entry.method {
        0 => Method::Stored,
        8 => Method::Deflated,
        method => {
            return Err(ArchiveError::Compression {
                name: entry.name.clone(),
                method,
            });
        }
    };
    let room = entry.room_end.saturating_sub(entry.offset);
    let fixed = read(medium, entry.offset, HEADER, room).ok_or_else(disagrees)??;
    let lengths = lengths(&fixed).ok_or_else(disagrees)?;
    let names = read(
        medium,
        entry.offset + HEADER,
        lengths.0 + lengths.1,
        room - HEADER,
    )
    .ok_or_else(disagrees)??;
    let (name, extra) = names
        .split_at_checked(usize::try_from(lengths.0).unwrap_or(usize::MAX))
        .ok_or_else(disagrees)?;
    let start = entry.offset + HEADER + lengths.0 + lengths.1;
    let end = start.checked_add(entry.compressed).ok_or_else(disagrees)?;
    let sizes_agree = method == Method::Deflated || entry.compressed == entry.size;
    if !(sizes_agree
        && end <= entry.room_end
        && name == entry.name.as_bytes()
        && agrees(&fixed, extra, entry).unwrap_or(false))
    {
        return Err(disagrees());
    }
    Ok(Source {
        method,
        start,
        end,
        size: entry.size,
        crc: entry.crc,
    })
}

/// Lengths of name and extra field.
fn lengths(fixed: &[u8]) -> Option<(u64, u64)> {
    let mut fields = Fields(fixed);
    let signature = fields.bytes(4)?;
    fields.bytes(22)?;
    let lengths = (fields.u16()?.into(), fields.u16()?.into());
    (signature == b"PK\x03\x04").then_some(lengths)
}

fn agrees(fixed: &[u8], extra: &[u8], entry: &Entry) -> Option<bool> {
    let mut fields = Fields(fixed);
    fields.bytes(6)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let mut wider = zip64(extra);
    let size = wide(size, &mut wider)?;
    let compressed = wide(compressed, &mut wider)?;
    let found = (crc, compressed, size);
    let told = (entry.crc, entry.compressed, entry.size);
    let later = flags & DESCRIPTOR != 0 && found == (0, 0, 0);
    Some(flags == entry.flags && method == entry.method && (found == told || later))
}

/// Bytes within the entry's room, or nothing if they do not fit in it.
fn read(
    medium: &Arc<dyn Medium>,
    from: u64,
    length: u64,
    room: u64,
) -> Option<Result<Vec<u8>, ArchiveError>> {
    if length > room {
        return None;
    }
    let mut bytes = Vec::new();
    let result = Stretch::new(Arc::clone(medium), from, from.checked_add(length)?)
        .read_to_end(&mut bytes)
        .map_err(ArchiveError::Read);
    Some(result.map(|_| bytes))
}
