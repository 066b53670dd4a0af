//! Archives that are no job, each named for the attack or the accident.

use std::{io, sync::Arc};

use firstlayer_machine::{ArchiveError, Limits, Medium, Plate};

use crate::support::{Archive, GCODE, MD5, Member, PLATE, crc_of, deflate, md5_of, open, text};

/// The archive is refused, and for this reason.
macro_rules! refused {
    ($bytes:expr, $reason:pat) => {
        let error = open($bytes).unwrap_err();
        assert!(matches!(error, $reason), "{error}: {error:?}");
    };
}

fn limited(bytes: Vec<u8>, change: impl FnOnce(&mut Limits)) -> ArchiveError {
    let mut limits = Limits::default();
    change(&mut limits);
    Plate::in_archive(Arc::new(bytes), PLATE, &limits).unwrap_err()
}

#[test]
fn zip_bomb_by_ratio() {
    let bomb = Archive::of(&[b'\n'; 300_000]).build();
    let error = limited(bomb.clone(), |limits| limits.ratio_free = 100_000);
    assert!(matches!(error, ArchiveError::Ratio(_)), "{error:?}");
    assert!(open(bomb).is_ok(), "what is small harms nobody");
}

#[test]
fn zip_bomb_by_declared_size() {
    let archive = Archive::good().with_plate(|plate| {
        *plate = plate.clone().with(|header| header.size = 0xf000_0000);
    });
    refused!(archive.build(), ArchiveError::TooLarge { .. });
}

#[test]
fn zip_bomb_that_declares_less_than_it_is() {
    let archive = Archive::of(&[b'\n'; 300_000]).with_plate(|plate| {
        *plate = plate.clone().with(|header| header.size = 1000);
    });
    refused!(archive.build(), ArchiveError::Length);
}

#[test]
fn zip_bomb_of_overlapping_entries() {
    let mut archive = Archive::good().and(Member::stored("a.gcode", GCODE));
    archive.members[2].offset = Some(0);
    refused!(archive.build(), ArchiveError::Overlap);
}

#[test]
fn zip_bomb_of_an_entry_within_another() {
    let inner = Archive::good().build();
    let mut archive = Archive::default().and(Member::stored("quine.zip", &inner));
    let mut good = Archive::good();
    for (member, offset) in good.members.iter_mut().zip([39, 39 + 90]) {
        member.offset = Some(offset);
    }
    archive.members.extend(good.members);
    refused!(archive.build(), ArchiveError::Overlap);
}

#[test]
fn entry_that_reaches_into_the_directory() {
    let archive = Archive::good().and(Member::stored("long", b"short").with(|header| {
        (header.compressed, header.size) = (10_000, 10_000);
    }));
    refused!(archive.build(), ArchiveError::Overlap);
}

#[test]
fn plate_that_reaches_into_the_next_entry_through_its_local_extra_field() {
    let archive = Archive::good().with_plate(|plate| {
        plate.local.extra = vec![0; 4];
        plate.stored.truncate(plate.stored.len() - 4);
    });
    refused!(archive.build(), ArchiveError::LocalHeader(_));
}

#[test]
fn truncated_tail_at_every_byte() {
    let bytes = Archive::good().build();
    for length in 4..bytes.len() {
        refused!(bytes[..length].to_vec(), ArchiveError::Truncated);
    }
}

#[test]
fn nothing_or_something_else() {
    for bytes in [b"".as_slice(), b"P", b"G28\nG1 X1\n", &[0; 100_000]] {
        refused!(bytes.to_vec(), ArchiveError::NotAnArchive);
    }
}

#[test]
fn no_entries() {
    refused!(Archive::default().build(), ArchiveError::NoPlate(_));
}

#[test]
fn missing_central_directory() {
    let mut archive = Archive::good();
    archive.omit_directory = true;
    refused!(archive.build(), ArchiveError::NoDirectory);
}

#[test]
fn directory_longer_than_the_file() {
    let mut archive = Archive::good();
    archive.directory_length = Some(500_000);
    refused!(archive.build(), ArchiveError::NoDirectory);
}

#[test]
fn directory_shorter_than_its_entries() {
    let mut archive = Archive::good();
    archive.entries = Some(3);
    refused!(archive.build(), ArchiveError::BadDirectory);
    archive.entries = Some(1);
    refused!(archive.build(), ArchiveError::BadDirectory);
}

#[test]
fn bytes_between_directory_and_end() {
    let mut archive = Archive::good();
    archive.after_directory = vec![0; 7];
    refused!(archive.build(), ArchiveError::NoDirectory);
}

#[test]
fn entry_count_bomb() {
    let mut archive = Archive::good();
    archive.entries = Some(u16::MAX - 1);
    refused!(archive.build(), ArchiveError::TooManyEntries { .. });
    for number in 0..5000 {
        archive = archive.and(Member::stored(&format!("{number}"), b""));
    }
    archive.entries = None;
    refused!(archive.build(), ArchiveError::TooManyEntries { .. });
}

#[test]
fn directory_bloated_by_comments() {
    let mut archive = Archive::good();
    for number in 0..20 {
        let mut member = Member::stored(&format!("{number}"), b"");
        member.comment = vec![b' '; 65_000];
        archive = archive.and(member);
    }
    refused!(archive.build(), ArchiveError::DirectoryTooLong { .. });
}

#[test]
fn duplicate_member_names() {
    let archive = Archive::good().and(Member::stored(PLATE, b"G1 Z-50\n"));
    refused!(archive.build(), ArchiveError::Duplicate(_));
    let archive = Archive::good()
        .and(Member::stored("other", b"1"))
        .and(Member::stored("other", b"2"));
    refused!(archive.build(), ArchiveError::Duplicate(_));
}

#[test]
fn member_that_escapes() {
    for name in [
        "../evil",
        "a/../../evil",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/..",
        "..\\evil",
        "C:evil",
        "a\0b",
        "a\nb",
        "",
        "/",
    ] {
        let archive = Archive::good().and(Member::stored(name, b""));
        refused!(archive.build(), ArchiveError::BadName(_));
    }
}

#[test]
fn member_with_a_name_that_is_no_text() {
    let member = Member::stored("a", b"").with(|header| header.name = vec![0xff, 0xfe]);
    refused!(
        Archive::good().and(member).build(),
        ArchiveError::BadName(_)
    );
}

#[test]
fn member_with_an_endless_name() {
    let archive = Archive::good().and(Member::stored(&"n".repeat(60_000), b""));
    let error = open(archive.build()).unwrap_err();
    assert!(matches!(error, ArchiveError::BadName(_)));
    assert!(error.to_string().len() < 200, "messages stay short");
}

#[test]
fn encrypted_entry() {
    for flag in [1, 1 << 6, 1 << 13] {
        let archive = Archive::good().with_plate(|plate| {
            *plate = plate.clone().with(|header| header.flags = flag);
        });
        refused!(archive.build(), ArchiveError::Encrypted(_));
    }
}

#[test]
fn unsupported_compression() {
    for method in [9, 12, 14, 93, 99] {
        let archive = Archive::good().with_plate(|plate| {
            *plate = plate.clone().with(|header| header.method = method);
        });
        refused!(archive.build(), ArchiveError::Compression { .. });
    }
}

#[test]
fn wrong_md5() {
    let archive = Archive::good().with_md5(md5_of(b"another plate").as_bytes());
    refused!(archive.build(), ArchiveError::Md5(_));
}

#[test]
fn gcode_swapped_with_its_crc_but_not_its_md5() {
    let mut archive = Archive::of(b"G1 Z-50\n");
    archive = archive.with_md5(md5_of(GCODE).as_bytes());
    refused!(archive.build(), ArchiveError::Md5(_));
}

#[test]
fn missing_md5() {
    let mut archive = Archive::good();
    archive.members.truncate(1);
    refused!(archive.build(), ArchiveError::NoMd5(_));
}

#[test]
fn md5_file_without_an_md5() {
    let good = md5_of(GCODE);
    for content in [
        String::new(),
        good[1..].to_owned(),
        format!("{good}0"),
        format!("+{}", &good[1..]),
        format!("{}g", &good[1..]),
        "é".repeat(16),
    ] {
        let archive = Archive::good().with_md5(content.as_bytes());
        refused!(archive.build(), ArchiveError::Md5Form(_));
    }
}

#[test]
fn md5_file_that_fills_the_memory() {
    let archive = Archive::good().with_md5(&[b' '; 4096]);
    refused!(archive.build(), ArchiveError::TooLarge { .. });
}

#[test]
fn md5_file_that_inflates_to_more_than_it_declares() {
    let mut archive = Archive::good();
    archive.members[1] = Member::deflated(MD5, &[b'0'; 100_000]).with(|header| header.size = 32);
    refused!(archive.build(), ArchiveError::Length);
}

#[test]
fn crc_wrong() {
    let archive = Archive::good().with_plate(|plate| {
        *plate = plate.clone().with(|header| header.crc ^= 1);
    });
    refused!(archive.build(), ArchiveError::Crc);
}

#[test]
fn crc_of_the_md5_file_wrong() {
    let mut archive = Archive::good();
    archive.members[1] = archive.members[1].clone().with(|header| header.crc ^= 1);
    refused!(archive.build(), ArchiveError::Crc);
}

#[test]
fn local_header_that_disagrees_with_the_directory() {
    let changes: [fn(&mut crate::support::Header); 7] = [
        |header| header.name = b"Metadata/plate_2.gcode".to_vec(),
        |header| header.flags = 2,
        |header| header.method = 0,
        |header| header.crc ^= 1,
        |header| header.compressed -= 1,
        |header| header.size += 1,
        |header| header.size = u32::MAX,
    ];
    for change in changes {
        let archive = Archive::good().with_plate(|plate| change(&mut plate.local));
        refused!(archive.build(), ArchiveError::LocalHeader(_));
    }
}

#[test]
fn local_header_that_is_not_there() {
    let mut bytes = Archive::good().build();
    bytes[3] = 0;
    bytes[2] = 0;
    refused!(bytes, ArchiveError::LocalHeader(_));
}

#[test]
fn stored_entry_of_two_lengths() {
    let mut archive = Archive::good();
    archive.members[0] = Member::stored(PLATE, GCODE).with(|header| header.size += 1);
    refused!(archive.build(), ArchiveError::LocalHeader(_));
}

#[test]
fn plate_number_absent() {
    let medium = Arc::new(Archive::good().build());
    let member = "Metadata/plate_2.gcode";
    let error = Plate::in_archive(medium, member, &Limits::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::NoPlate(_)), "{error:?}");
}

#[test]
fn member_that_is_no_plate() {
    let medium = Arc::new(Archive::good().build());
    for member in [
        "",
        "Metadata/plate_.gcode",
        "Metadata/plate_0.gcode",
        "Metadata/plate_01.gcode",
        "Metadata/plate_+1.gcode",
        "Metadata/plate_99999.gcode",
        "Metadata/../plate_1.gcode",
        "/Metadata/plate_1.gcode",
        "Metadata/plate_1.gcode.md5",
        "[Content_Types].xml",
    ] {
        let error = Plate::in_archive(medium.clone(), member, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, ArchiveError::PlateName(_)),
            "{member}: {error:?}"
        );
    }
}

#[test]
fn prepended_bytes() {
    for offsets_ignore_before in [false, true] {
        let mut archive = Archive::good();
        archive.before = b"MZ this is a program as well".to_vec();
        archive.offsets_ignore_before = offsets_ignore_before;
        refused!(archive.build(), ArchiveError::Prepended);
    }
}

#[test]
fn appended_bytes() {
    let mut bytes = Archive::good().build();
    bytes.extend(b"more");
    refused!(bytes, ArchiveError::Truncated);
}

#[test]
fn two_ends_of_which_each_program_takes_another() {
    let mut inner = Archive::of(b"G1 Z-50\n").build();
    let mut archive = Archive::good();
    let end = inner.split_off(inner.len() - 22);
    archive.comment = end;
    refused!(archive.build(), ArchiveError::AmbiguousEnd);
}

#[test]
fn end_of_64_bits_that_contradicts_the_other() {
    let mut bytes = Archive::good().build();
    let end = bytes.split_off(bytes.len() - 22);
    let at = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for number in [1_u64, 1, 80, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(at.to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(end);
    refused!(bytes, ArchiveError::AmbiguousEnd);
}

#[test]
fn sizes_and_offsets_of_64_bits_that_overflow() {
    for numbers in [
        [u64::MAX, u64::MAX, 0],
        [5, 5, u64::MAX],
        [5, u64::MAX - 60, 60],
    ] {
        let archive = Archive::good().and(Member {
            offset: Some(u32::MAX),
            ..Member::stored("large", b"large").with(|header| {
                header.extra = [
                    b"\x01\0\x18\0".to_vec(),
                    numbers.map(u64::to_le_bytes).concat(),
                ]
                .concat();
                (header.size, header.compressed) = (u32::MAX, u32::MAX);
            })
        });
        let error = open(archive.build()).unwrap_err();
        assert!(
            matches!(error, ArchiveError::BadDirectory | ArchiveError::Overlap),
            "{error:?}"
        );
    }
}

#[test]
fn numbers_of_64_bits_that_are_not_there() {
    for extra in [
        b"".as_slice(),
        b"\x01",
        b"\x01\0\x08\0\0\0",
        b"\x01\0\0\0",
        b"\xff\xff\xff\xff",
    ] {
        let archive = Archive::good().with_plate(|plate| {
            *plate = plate.clone().with(|header| {
                header.extra = extra.to_vec();
                header.size = u32::MAX;
            });
        });
        refused!(archive.build(), ArchiveError::BadDirectory);
    }
}

#[test]
fn archive_on_several_disks() {
    let mut archive = Archive::good();
    archive.disk = 1;
    refused!(archive.build(), ArchiveError::SeveralDisks);
}

#[test]
fn deflate_stream_cut_off() {
    let archive = Archive::good().with_plate(|plate| {
        plate.stored.truncate(plate.stored.len() - 3);
        let length = plate.stored.len() as u32;
        *plate = plate.clone().with(|header| header.compressed = length);
    });
    refused!(archive.build(), ArchiveError::Deflate);
}

#[test]
fn deflate_stream_with_something_behind_it() {
    let archive = Archive::good().with_plate(|plate| {
        plate.stored.extend(b"hidden");
        let length = plate.stored.len() as u32;
        *plate = plate.clone().with(|header| header.compressed = length);
    });
    refused!(archive.build(), ArchiveError::Deflate);
}

#[test]
fn deflate_stream_that_is_none() {
    let archive = Archive::good().with_plate(|plate| plate.stored.fill(0xff));
    refused!(archive.build(), ArchiveError::Deflate);
}

#[test]
fn deflate_stream_of_endless_empty_blocks() {
    // A stored block of no bytes, over and over: input without output.
    let stored = [b"\0\0\0\xff\xff".repeat(100_000), deflate(GCODE)].concat();
    let archive = Archive::good().with_plate(|plate| {
        let length = stored.len() as u32;
        plate.stored = stored;
        *plate = plate.clone().with(|header| header.compressed = length);
    });
    assert!(open(archive.build()).is_ok(), "odd, but it ends");
}

#[test]
fn line_without_an_end() {
    let endless = vec![b'G'; 100_000];
    refused!(Archive::of(&endless).build(), ArchiveError::LineTooLong(1));
    let comment = [b"G28\n;".as_slice(), &vec![b'c'; 300_000]].concat();
    refused!(Archive::of(&comment).build(), ArchiveError::LineTooLong(2));
}

#[test]
fn file_changed_after_the_check() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, Archive::good().build()).unwrap();
    let plate = Plate::open(file.reopen().unwrap(), PLATE).unwrap();
    assert!(text(&plate).is_ok());
    let mut other = Archive::of(b"; CHANGE_LAYER\nG28\nG1 X10 Y99 F6000\nM104 S0\n");
    other.members[0] = other.members[0]
        .clone()
        .with(|header| header.crc = crc_of(GCODE));
    std::fs::write(&file, other.build()).unwrap();
    assert!(text(&plate).is_err());
    std::fs::write(&file, b"cut").unwrap();
    assert!(matches!(text(&plate), Err(ArchiveError::Read(_))));
}

struct Broken(Vec<u8>, u64);

impl Medium for Broken {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let room = self.1.saturating_sub(offset).min(buffer.len() as u64) as usize;
        if room == 0 {
            return Err(io::Error::other("the card was pulled out"));
        }
        self.0.read_at(&mut buffer[..room], offset)
    }
}

#[test]
fn card_that_fails_at_every_byte() {
    let bytes = Archive::good().build();
    for place in 0..bytes.len() as u64 {
        let medium = Arc::new(Broken(bytes.clone(), place));
        let error = Plate::in_archive(medium, PLATE, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, ArchiveError::Read(_)),
            "byte {place}: {error:?}"
        );
    }
}
