//! The directory of an archive, entry by entry: every name is checked, and those asked for are found.

use std::{
    collections::HashSet,
    io::{self, Read},
    sync::Arc,
};

use super::{
    ArchiveError,
    end::Directory,
    error::shown,
    fields::{Fields, wide, zip64},
};
use crate::{Limits, Medium, medium::Stretch};

pub(super) const ENTRY: &[u8] = b"PK\x01\x02";
const HEADER: usize = 46;
/// Encrypted; patch data; strong encryption; masked local header.
const ENCRYPTED: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;
/// Bytes of a local header without its name.
const LOCAL_HEADER: u64 = 30;

/// What the directory says of an entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// Where the next entry, or the directory, begins.
    pub(super) room_end: u64,
}

/// Reads the whole directory, and gives the entries with the names asked for, in their order.
pub(super) fn read<const N: usize>(
    medium: &Arc<dyn Medium>,
    directory: &Directory,
    names: [&str; N],
    limits: &Limits,
) -> Result<[Option<Entry>; N], ArchiveError> {
    let mut source = Stretch::new(Arc::clone(medium), directory.start, directory.end);
    let mut found = [const { None }; N];
    let mut seen = HashSet::new();
    let mut extents = Vec::new();
    for _ in 0..directory.entries {
        let entry = read_entry(&mut source, limits)?;
        extents.push(entry.extent()?);
        let place = names.iter().position(|name| *name == entry.name);
        if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
            *slot = Some(entry.clone());
        }
        if let Some(name) = seen.replace(entry.name) {
            return Err(ArchiveError::Duplicate(shown(name.as_bytes())));
        }
    }
    if source.read(&mut [0]).map_err(ArchiveError::Read)? != 0 {
        return Err(ArchiveError::BadDirectory);
    }
    check_extents(&mut extents, directory)?;
    for entry in found.iter_mut().flatten() {
        let next = extents.partition_point(|(start, _)| *start <= entry.offset);
        entry.room_end = extents
            .get(next)
            .map_or(directory.start, |(start, _)| *start);
    }
    Ok(found)
}

fn read_entry(source: &mut Stretch, limits: &Limits) -> Result<Entry, ArchiveError> {
    let mut header = [0; HEADER];
    fill(source, &mut header)?;
    let mut fields = Fields(&header);
    let parsed = (|| {
        let signature = fields.bytes(4)?;
        fields.bytes(4)?;
        let entry = Entry {
            name: String::new(),
            flags: fields.u16()?,
            method: fields.u16()?,
            crc: {
                fields.bytes(4)?;
                fields.u32()?
            },
            compressed: fields.u32()?.into(),
            size: fields.u32()?.into(),
            offset: 0,
            room_end: 0,
        };
        let lengths = [fields.u16()?, fields.u16()?, fields.u16()?];
        let disk = fields.u16()?;
        fields.bytes(6)?;
        let offset = fields.u32()?;
        (signature == ENTRY).then_some((entry, lengths, disk, offset))
    })();
    let (mut entry, [name, extra, comment], disk, offset) =
        parsed.ok_or(ArchiveError::BadDirectory)?;
    let [name, extra, _] = [
        take(source, name)?,
        take(source, extra)?,
        take(source, comment)?,
    ];
    // In the order in which the extra field has them.
    let mut wider = zip64(&extra);
    let numbers = (|| {
        entry.size = wide(u32::try_from(entry.size).ok()?, &mut wider)?;
        entry.compressed = wide(u32::try_from(entry.compressed).ok()?, &mut wider)?;
        entry.offset = wide(offset, &mut wider)?;
        Some(())
    })();
    numbers.ok_or(ArchiveError::BadDirectory)?;
    entry.name = check_name(name, limits)?;
    if entry.flags & ENCRYPTED != 0 {
        return Err(ArchiveError::Encrypted(shown(entry.name.as_bytes())));
    }
    if !matches!(disk, 0 | u16::MAX) {
        return Err(ArchiveError::SeveralDisks);
    }
    Ok(entry)
}

impl Entry {
    /// The least that the entry takes of the file.
    fn extent(&self) -> Result<(u64, u64), ArchiveError> {
        let header = LOCAL_HEADER + self.name.len() as u64;
        let end = self
            .offset
            .checked_add(header)
            .and_then(|start| start.checked_add(self.compressed));
        Ok((self.offset, end.ok_or(ArchiveError::BadDirectory)?))
    }
}

/// A name that stays within the folder into which the archive is unpacked, on any system.
fn check_name(name: Vec<u8>, limits: &Limits) -> Result<String, ArchiveError> {
    let bad = |name: &[u8]| Err(ArchiveError::BadName(shown(name)));
    if name.len() > limits.name {
        return bad(&name);
    }
    let name = match String::from_utf8(name) {
        Ok(name) => name,
        Err(error) => return bad(error.as_bytes()),
    };
    let path = name.strip_suffix('/').unwrap_or(&name);
    let mut parts = path.split('/');
    let drive = path.as_bytes().get(1) == Some(&b':');
    if drive
        || name.contains(|character: char| character == '\\' || character.is_control())
        || parts.any(|part| matches!(part, "" | "." | ".."))
    {
        return bad(name.as_bytes());
    }
    Ok(name)
}

/// The first entry begins the file, none overlaps another, and all end before the directory. Puts them in order.
fn check_extents(extents: &mut [(u64, u64)], directory: &Directory) -> Result<(), ArchiveError> {
    extents.sort_unstable();
    let first = extents.first().map_or(directory.start, |(start, _)| *start);
    if first != 0 {
        return Err(ArchiveError::Prepended);
    }
    let mut free_from = 0;
    for (start, end) in extents.iter() {
        if *start < free_from {
            return Err(ArchiveError::Overlap);
        }
        free_from = *end;
    }
    if free_from > directory.start {
        return Err(ArchiveError::Overlap);
    }
    Ok(())
}

fn take(source: &mut Stretch, length: u16) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = vec![0; length.into()];
    fill(source, &mut bytes)?;
    Ok(bytes)
}

/// The directory's own length is known to be there: what lacks is the directory's fault, unless the medium failed.
fn fill(source: &mut Stretch, bytes: &mut [u8]) -> Result<(), ArchiveError> {
    source.read_exact(bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            ArchiveError::BadDirectory
        } else {
            ArchiveError::Read(error)
        }
    })
}
