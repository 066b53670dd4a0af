//! Files that somebody changed after they were signed: the manifest's digest is the published one. Named by attack.

use firstlayer_bundle::Error;

use crate::support::{Bundle, bundle, entry, extract, options, refusal};

const LINKNAME: usize = 157;
const TYPEFLAG: usize = 156;

/// A bundle of three frames, and where its payload's header begins.
fn published() -> (Bundle, usize) {
    let image = (0..2500_u32)
        .flat_map(|number| number.to_le_bytes())
        .collect::<Vec<_>>();
    let bundle = bundle(&[("root", &image)], &options(1, 1, 4000));
    let header = 512 + (bundle.written.digest.length as usize).next_multiple_of(512);
    (bundle, header)
}

/// Writes over a field of the payload's tar header, makes the checksum right, and reads.
fn with_field(offset: usize, field: &[u8]) -> String {
    let (Bundle { mut bytes, written }, start) = published();
    bytes[start + offset..start + offset + field.len()].copy_from_slice(field);
    let header = &mut bytes[start..start + 512];
    header[148..156].fill(b' ');
    let sum = header.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    refusal(extract(&bytes, &written.digest))
}

fn header_refused(field: &str) -> String {
    format!("Header {{ entry: \"root.zst\", field: {field:?} }}")
}

/// Puts blocks in between, at an offset from the payload's header, and reads.
fn with_insertion(offset: usize, blocks: &[u8]) -> String {
    let (Bundle { mut bytes, written }, start) = published();
    bytes.splice(start + offset..start + offset, blocks.iter().copied());
    refusal(extract(&bytes, &written.digest))
}

#[test]
fn links_devices_and_folders_in_the_archive() {
    for kind in b"12345678\0A" {
        assert_eq!(
            with_field(TYPEFLAG, &[*kind]),
            header_refused("typeflag"),
            "{}",
            *kind as char
        );
    }
    assert_eq!(
        with_field(LINKNAME, b"/etc/passwd"),
        header_refused("linkname")
    );
}

#[test]
fn pax_and_gnu_headers_that_override_the_next_entry() {
    for kind in b"xgXLKSMDVN" {
        let mut extended = entry("PaxHeaders/root.zst", b"19 size=1099511627776\n");
        extended[TYPEFLAG] = *kind;
        assert_eq!(
            with_insertion(0, &extended),
            header_refused("typeflag"),
            "{}",
            *kind as char
        );
        assert_eq!(
            with_field(TYPEFLAG, &[*kind]),
            header_refused("typeflag"),
            "{}",
            *kind as char
        );
    }
}

#[test]
fn names_that_leave_the_folder_or_the_list() {
    for name in [
        "../root.zst\0",
        "/root.zst\0\0\0",
        "root.zst/\0\0\0",
        "boot.zst\0\0\0\0",
        "ROOT.zst\0\0\0\0",
    ] {
        assert_eq!(
            with_field(0, name.as_bytes()),
            header_refused("name"),
            "{name:?}"
        );
    }
    assert_eq!(with_field(345, b".."), header_refused("prefix"));
    assert_eq!(with_field(99, b"a"), header_refused("name"));
}

#[test]
fn sizes_that_disagree_overflow_or_are_not_octal() {
    let sizes: [&[u8; 12]; 7] = [
        b"00000000000\0",
        b"77777777777\0",
        b"777777777777",
        b"\x80\0\0\0\0\0\0\0\0\0\x10\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"-0000000001\0",
        b"           \0",
    ];
    for size in sizes {
        assert_eq!(with_field(124, size), header_refused("size"), "{size:?}");
    }
}

#[test]
fn unsigned_header_fields_that_somebody_may_trust() {
    let fields: [(&str, usize, &[u8]); 10] = [
        ("mode", 100, b"0004755"),
        ("uid", 108, b"0001750"),
        ("gid", 116, b"0001750"),
        ("mtime", 136, b"14760000000"),
        ("magic", 257, b"ustar "),
        ("version", 263, b" \0"),
        ("uname", 265, b"root"),
        ("gname", 297, b"root"),
        ("devmajor", 329, b"0000010"),
        ("padding", 500, b"hidden"),
    ];
    for (field, offset, value) in fields {
        assert_eq!(with_field(offset, value), header_refused(field));
    }
}

#[test]
fn a_checksum_in_another_spelling() {
    assert_eq!(with_field(0, b"root.zst"), header_refused("chksum"));
}

#[test]
fn an_entry_smuggled_in() {
    let smuggled = entry("run-me-first.zst", b"#!/bin/sh");
    assert_eq!(with_insertion(0, &smuggled), header_refused("name"));
    let (Bundle { bytes, .. }, start) = published();
    assert_eq!(with_insertion(bytes.len() - 1024 - start, &smuggled), "End");
    assert_eq!(
        with_insertion(bytes.len() - start, &smuggled),
        "TrailingData"
    );
    assert_eq!(with_insertion(bytes.len() - start, &[0]), "TrailingData");
}

#[test]
fn data_hidden_in_the_padding() {
    let (Bundle { mut bytes, written }, start) = published();
    bytes[start - 1] = 1;
    assert_eq!(
        refusal(extract(&bytes, &written.digest)),
        "Padding { entry: \"manifest.json\" }"
    );
    let (Bundle { mut bytes, written }, _) = published();
    let last = bytes.len() - 1025;
    bytes[last] = 1;
    assert_eq!(
        refusal(extract(&bytes, &written.digest)),
        "Padding { entry: \"root.zst\" }"
    );
}

#[test]
fn a_change_behind_the_first_bytes_of_a_large_image() {
    let (Bundle { mut bytes, written }, _) = published();
    let last_content = bytes[..bytes.len() - 1024]
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap();
    bytes[last_content] ^= 1;
    assert_eq!(refusal(extract(&bytes, &written.digest)), "StoredHash");
}

#[test]
fn a_bundle_swapped_between_check_and_use() {
    let (Bundle { written, .. }, _) = published();
    let other = bundle(&[("root", b"another image")], &options(1, 1, 4000));
    let error = extract(&other.bytes, &written.digest).unwrap_err();
    assert!(
        matches!(error, Error::Header { .. } | Error::ManifestMismatch),
        "{error:?}"
    );
    let (Bundle { mut bytes, written }, start) = published();
    let place = 512 + written.digest.length as usize - 2;
    assert!(place < start);
    bytes[place] ^= 1;
    assert_eq!(
        refusal(extract(&bytes, &written.digest)),
        "ManifestMismatch"
    );
}

#[test]
fn a_file_cut_at_any_block() {
    let (Bundle { bytes, written }, _) = published();
    for length in (0..bytes.len()).step_by(512) {
        let error = extract(&bytes[..length], &written.digest).unwrap_err();
        assert!(
            matches!(error, Error::Truncated { .. }),
            "{length}: {error:?}"
        );
    }
}
