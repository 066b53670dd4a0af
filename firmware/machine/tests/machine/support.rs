//! Archives, good ones and forged ones, made byte by byte.

use std::{io::Write, sync::Arc};

use firstlayer_machine::{ArchiveError, Limits, Plate};
use flate2::{Compression, Crc, write::DeflateEncoder};
use md5::{Digest, Md5};

pub(crate) const PLATE: &str = "Metadata/plate_1.gcode";
pub(crate) const MD5: &str = "Metadata/plate_1.gcode.md5";
pub(crate) const GCODE: &[u8] = b"; CHANGE_LAYER\nG28\nG1 X10 Y10 F6000\nM104 S0\n";

pub(crate) fn open(bytes: Vec<u8>) -> Result<Plate, ArchiveError> {
    Plate::in_archive(Arc::new(bytes), PLATE, &Limits::default())
}

/// All text of a plate, read again line by line.
pub(crate) fn text(plate: &Plate) -> Result<String, ArchiveError> {
    let (mut lines, mut text) = (plate.lines(), String::new());
    while let Some(line) = lines.next_line()? {
        text.push_str(std::str::from_utf8(line.text).unwrap());
        text.push('\n');
    }
    Ok(text)
}

pub(crate) fn md5_of(content: &[u8]) -> String {
    Md5::digest(content)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

pub(crate) fn crc_of(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

pub(crate) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An entry, and what both of its headers say of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) stored: Vec<u8>,
    pub(crate) local: Header,
    pub(crate) central: Header,
    pub(crate) comment: Vec<u8>,
    /// Where the directory says it lies, if not where it does.
    pub(crate) offset: Option<u32>,
}

#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
    pub(crate) extra: Vec<u8>,
}

impl Member {
    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        Self::new(name, content, deflate(content), 8)
    }

    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name, content, content.to_vec(), 0)
    }

    fn new(name: &str, content: &[u8], stored: Vec<u8>, method: u16) -> Self {
        let header = Header {
            name: name.into(),
            flags: 0,
            method,
            crc: crc_of(content),
            compressed: stored.len() as u32,
            size: content.len() as u32,
            extra: Vec::new(),
        };
        Self {
            stored,
            local: header.clone(),
            central: header,
            comment: Vec::new(),
            offset: None,
        }
    }

    /// Changes both headers alike.
    pub(crate) fn with(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }
}

/// An archive, and what its end says of it.
#[derive(Clone, Default)]
pub(crate) struct Archive {
    pub(crate) before: Vec<u8>,
    pub(crate) members: Vec<Member>,
    pub(crate) after_directory: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) entries: Option<u16>,
    pub(crate) directory_length: Option<u32>,
    pub(crate) disk: u16,
    pub(crate) omit_directory: bool,
    /// Offsets count from behind `before`.
    pub(crate) offsets_ignore_before: bool,
}

impl Archive {
    /// One good plate.
    pub(crate) fn good() -> Self {
        Self::of(GCODE)
    }

    pub(crate) fn of(gcode: &[u8]) -> Self {
        Self::default()
            .and(Member::deflated(PLATE, gcode))
            .and(Member::stored(MD5, md5_of(gcode).as_bytes()))
    }

    pub(crate) fn and(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    /// Changes the plate's entry.
    pub(crate) fn with_plate(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(&mut self.members[0]);
        self
    }

    /// Replaces the content of the plate's MD5 file.
    pub(crate) fn with_md5(mut self, content: &[u8]) -> Self {
        self.members[1] = Member::stored(MD5, content);
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        let ignored = if self.offsets_ignore_before {
            self.before.len()
        } else {
            0
        };
        let mut directory = Vec::new();
        for member in &self.members {
            let offset = member.offset.unwrap_or((bytes.len() - ignored) as u32);
            bytes.extend(header(&member.local, None));
            bytes.extend(&member.stored);
            directory.extend(header(&member.central, Some((offset, &member.comment))));
        }
        let start = bytes.len() - ignored;
        let length = directory.len() as u32;
        if !self.omit_directory {
            bytes.extend(directory);
        }
        bytes.extend(&self.after_directory);
        bytes.extend(b"PK\x05\x06");
        for number in [self.disk, self.disk] {
            bytes.extend(number.to_le_bytes());
        }
        let entries = self.entries.unwrap_or(self.members.len() as u16);
        for number in [entries, entries] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.directory_length.unwrap_or(length), start as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        bytes.extend(&self.comment);
        bytes
    }
}

/// A local header, or with an offset and a comment one of the directory.
fn header(header: &Header, central: Option<(u32, &Vec<u8>)>) -> Vec<u8> {
    let mut bytes = match central {
        None => b"PK\x03\x04\x14\0".to_vec(),
        Some(_) => b"PK\x01\x02\x14\0\x14\0".to_vec(),
    };
    for number in [header.flags, header.method, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [header.crc, header.compressed, header.size] {
        bytes.extend(number.to_le_bytes());
    }
    for length in [header.name.len(), header.extra.len()] {
        bytes.extend((length as u16).to_le_bytes());
    }
    if let Some((offset, comment)) = central {
        bytes.extend((comment.len() as u16).to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(&header.name);
    bytes.extend(&header.extra);
    if let Some((_, comment)) = central {
        bytes.extend(comment);
    }
    bytes
}
