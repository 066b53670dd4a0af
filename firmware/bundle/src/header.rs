//! The tar around manifest and payloads: the one header that an entry may have, its padding, the end. It makes
//! headers and never parses one, so that no field of a header can mean anything.

use std::ops::Range;

use crate::{Error, PayloadName};

/// Size of a tar block (POSIX.1-1988, ustar).
pub(crate) const BLOCK: u64 = 512;

/// A tar header.
pub(crate) type Header = [u8; BLOCK as usize];

/// The end of the archive: two zero blocks.
pub(crate) const END: [u8; 2 * BLOCK as usize] = [0; 2 * BLOCK as usize];

/// Name of the first entry.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The largest size that 11 octal digits hold; above it tar would need the base-256 extension.
pub(crate) const MAX_CONTENT: u64 = (1 << 33) - 1;

/// Name of a payload's entry: at most 36 bytes of the 100 that a header has for it.
pub(crate) fn entry_name(payload: &PayloadName) -> String {
    format!("{payload}.zst")
}

/// The one header that an entry of this name and size may have. Refuses a size over [`MAX_CONTENT`].
pub(crate) fn header(name: &str, content: u64) -> Result<Header, Error> {
    if content > MAX_CONTENT {
        let what = "an entry's length";
        return Err(Error::OverLimit {
            what,
            value: content,
            limit: MAX_CONTENT,
        });
    }
    let mut header = tar::Header::new_ustar();
    let field = &mut header.as_old_mut().name;
    field
        .iter_mut()
        .zip(name.bytes())
        .for_each(|(place, byte)| *place = byte);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// Zero bytes between an entry's content and the next block.
pub(crate) fn padding(content: u64) -> u64 {
    content.next_multiple_of(BLOCK) - content
}

/// Bytes of an entry: its header, its content, its padding.
pub(crate) fn entry_length(content: u64) -> u64 {
    content
        .div_ceil(BLOCK)
        .saturating_add(1)
        .saturating_mul(BLOCK)
}

/// The field in which two headers differ: the type first, since a link or an extended header differs in more.
pub(crate) fn first_difference(found: &Header, allowed: &Header) -> Option<&'static str> {
    FIELDS
        .iter()
        .find(|(_, field)| found.get(field.clone()) != allowed.get(field.clone()))
        .map(|(name, _)| *name)
}

const FIELDS: [(&str, Range<usize>); 17] = [
    ("typeflag", 156..157),
    ("magic", 257..263),
    ("version", 263..265),
    ("name", 0..100),
    ("prefix", 345..500),
    ("size", 124..136),
    ("mode", 100..108),
    ("uid", 108..116),
    ("gid", 116..124),
    ("mtime", 136..148),
    ("linkname", 157..257),
    ("uname", 265..297),
    ("gname", 297..329),
    ("devmajor", 329..337),
    ("devminor", 337..345),
    ("padding", 500..512),
    ("chksum", 148..156),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_documented_one() {
        let header = header("root.zst", 0o1234).unwrap();
        let mut expected = [0; 512];
        for (offset, text) in [
            (0, "root.zst"),
            (100, "0000644\0"),
            (108, "0000000\0"),
            (116, "0000000\0"),
            (124, "00000001234\0"),
            (136, "00000000000\0"),
            (156, "0"),
            (257, "ustar\x0000"),
        ] {
            expected[offset..offset + text.len()].copy_from_slice(text.as_bytes());
        }
        let spaces = 8 * u32::from(b' ');
        let sum = expected.iter().map(|byte| u32::from(*byte)).sum::<u32>() + spaces;
        expected[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        assert_eq!(header, expected);
    }

    #[test]
    fn sizes_stay_within_eleven_octal_digits() {
        assert_eq!(
            &header("a", MAX_CONTENT).unwrap()[124..136],
            b"77777777777\0"
        );
        assert!(header("a", MAX_CONTENT + 1).is_err());
    }

    #[test]
    fn every_byte_of_a_header_belongs_to_one_field() {
        let mut owners = [0; 512];
        for (_, field) in FIELDS {
            owners[field].iter_mut().for_each(|count| *count += 1);
        }
        assert_eq!(owners, [1; 512]);
    }

    #[test]
    fn entries_are_whole_blocks() {
        assert_eq!([0, 1, 512, 513].map(entry_length), [512, 1024, 1024, 1536]);
        assert_eq!([0, 1, 512, 513].map(padding), [0, 511, 0, 511]);
    }
}
