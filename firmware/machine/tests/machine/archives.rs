//! Archives as slicers and other programs make them.

use std::{
    io::{Cursor, Write},
    sync::Arc,
};

use firstlayer_machine::{Limits, Plate};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::support::{Archive, GCODE, MD5, Member, PLATE, md5_of, open, text};

fn slicer_project(options: SimpleFileOptions, gcode: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", b"<Types/>".as_slice()),
        ("_rels/.rels", b"<Relationships/>"),
        ("3D/Objects/Würfel 1.model", b"<model/>"),
        ("Metadata/plate_1.png", b"not a picture"),
        (PLATE, gcode),
        (MD5, md5_of(gcode).as_bytes()),
    ] {
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.add_directory("Auxiliaries/", options).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_slicers_project_is_read_in_every_form() {
    let gcode = "G1 X1 Y2 ; on and on\r\n".repeat(5000);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        for large in [false, true] {
            let options = SimpleFileOptions::default()
                .compression_method(method)
                .large_file(large);
            let plate = open(slicer_project(options, gcode.as_bytes())).unwrap();
            assert_eq!(plate.number(), Some(1));
            assert_eq!(plate.outline().lines, 5000);
            assert_eq!(plate.outline().bytes, gcode.len() as u64);
            assert_eq!(text(&plate).unwrap(), gcode.replace('\r', ""));
        }
    }
}

#[test]
fn content_of_any_length_around_the_buffers_is_read() {
    let gcode: String = (0..4000)
        .map(|number| format!("G1 X{} Y{}\n", number * 7 % 256, number % 83))
        .collect();
    for middle in [512, 8 << 10, 16 << 10, 32 << 10] {
        for length in middle - 3..middle + 3 {
            let gcode = &gcode.as_bytes()[..length];
            let mut archive = Archive::of(gcode);
            assert_eq!(
                open(archive.build()).unwrap().outline().bytes,
                length as u64
            );
            archive.members[0] = Member::stored(PLATE, gcode);
            assert_eq!(
                open(archive.build()).unwrap().outline().bytes,
                length as u64
            );
        }
    }
}

#[test]
fn sizes_may_follow_the_content() {
    let archive = Archive::good().with_plate(|plate| {
        let (local, central) = (&mut plate.local, &mut plate.central);
        (local.crc, local.compressed, local.size) = (0, 0, 0);
        (local.flags, central.flags) = (8, 8);
        plate.stored.extend(b"PK\x07\x08");
        for number in [central.crc, central.compressed, central.size] {
            plate.stored.extend(number.to_le_bytes());
        }
    });
    assert!(open(archive.build()).is_ok());
}

#[test]
fn numbers_of_64_bits_are_read_from_extra_fields() {
    let archive = Archive::good().with_plate(|plate| {
        let header = &mut plate.local;
        let numbers =
            [header.size, header.compressed].map(|number| u64::from(number).to_le_bytes());
        let extra = [
            b"\x75\x70\x01\0\0\x01\0\x10\0".as_slice(),
            &numbers.concat(),
        ]
        .concat();
        for header in [&mut plate.local, &mut plate.central] {
            header.extra.clone_from(&extra);
            (header.size, header.compressed) = (u32::MAX, u32::MAX);
        }
    });
    assert!(open(archive.build()).is_ok());
}

#[test]
fn an_end_of_64_bits_is_read() {
    let mut bytes = Archive::good().build();
    let end = bytes.split_off(bytes.len() - 22);
    let at = bytes.len() as u64;
    let length = u32::from_le_bytes(end[12..16].try_into().unwrap());
    let offset = u32::from_le_bytes(end[16..20].try_into().unwrap());
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0]);
    bytes.extend([0; 8]);
    for number in [2, 2, length.into(), offset.into()] {
        bytes.extend(u64::to_le_bytes(number));
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(at.to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([0xff; 12]);
    bytes.extend([0, 0]);
    assert!(open(bytes).is_ok());
}

#[test]
fn an_md5_may_be_of_any_case_and_end_a_line() {
    let md5 = md5_of(GCODE);
    for content in [
        md5.to_lowercase(),
        format!("{md5}\r\n"),
        format!("{md5}\0").replace('\0', " "),
    ] {
        assert!(open(Archive::good().with_md5(content.as_bytes()).build()).is_ok());
    }
}

#[test]
fn an_archive_may_have_a_comment() {
    let mut archive = Archive::good();
    archive.comment = b"made by a slicer".to_vec();
    assert!(open(archive.build()).is_ok());
}

#[test]
fn the_plate_that_was_asked_for_is_opened() {
    let second = b"; the second\n";
    let archive = Archive::good()
        .and(Member::stored("Metadata/plate_2.gcode", second))
        .and(Member::stored(
            "Metadata/plate_2.gcode.md5",
            md5_of(second).as_bytes(),
        ));
    let medium = Arc::new(archive.build());
    let plate = Plate::in_archive(medium, "Metadata/plate_2.gcode", &Limits::default()).unwrap();
    assert_eq!(plate.number(), Some(2));
    assert_eq!(text(&plate).unwrap(), "; the second\n");
}

#[test]
fn a_file_on_the_card_is_opened() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&Archive::good().build()).unwrap();
    assert_eq!(Plate::open(file, PLATE).unwrap().outline().layers, 1);
}
