//! Files by somebody who means harm, or whose program is broken.

use std::io::{self, Read};

use super::*;

const GOOD: &str = "A1,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z\n";

/// The header, so many good lines, and this.
fn after(good: usize, bad: &str) -> String {
    format!("{HEADER}{}{bad}", GOOD.repeat(good))
}

fn said_of(bad: &str) -> String {
    refusal(after(2, bad).as_bytes())
}

/// Gives the same line for ever.
struct Endless<'a>(&'a [u8], usize);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

fn small() -> Limits {
    Limits {
        bytes: 1 << 20,
        line: 256,
        columns: 8,
        names: 100,
        groups: 200,
        threads: 3,
    }
}

#[test]
fn a_zstd_bomb_is_stopped_at_the_limit() {
    let text = format!("{HEADER}{}", GOOD.repeat(1 << 20));
    let bomb = zstd(text.as_bytes());
    assert!(bomb.len() < 20_000, "{} bytes are no bomb", bomb.len());
    assert_eq!(
        refusal_within(&bomb, &small()),
        "the census census.csv has more than 1048576 bytes of text, the limit"
    );
}

#[test]
fn a_zstd_bomb_of_one_line_is_stopped_at_the_line() {
    let bomb = zstd(&vec![0; 64 << 20]);
    assert_eq!(
        refusal(&bomb),
        "the census census.csv, line 1: it has more than 4096 bytes, the limit"
    );
}

#[test]
fn a_zstd_frame_that_wants_a_huge_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    io::copy(&mut Endless(GOOD.as_bytes(), 0).take(1 << 20), &mut encoder).unwrap();
    let said = refusal(&encoder.finish().unwrap());
    assert!(
        said.starts_with("the census census.csv begins as zstd does, and cannot be decompressed: "),
        "{said}"
    );
}

#[test]
fn a_zstd_file_that_was_cut_is_refused() {
    let whole = zstd(after(500, "").as_bytes());
    for length in [4, 9, whole.len() / 2, whole.len() - 1] {
        let said = refusal(&whole[..length]);
        assert!(said.contains("cannot be decompressed: "), "{said}");
    }
}

#[test]
fn bytes_after_the_last_zstd_frame_are_refused() {
    let mut bytes = zstd(after(5, "").as_bytes());
    bytes.extend_from_slice(b"A1,x1");
    let said = refusal(&bytes);
    assert!(said.contains("cannot be decompressed: "), "{said}");
}

#[test]
fn a_line_without_end_is_not_held_in_memory() {
    let limits = Limits::default();
    let text = after(2, "A1,").into_bytes();
    let endless = text.as_slice().chain(Endless(b"x", 0));
    let mut read = 0;
    let error = read_from(endless, "census.csv", &limits, |bytes| read = bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the census census.csv, line 4: it has more than 4096 bytes, the limit"
    );
    assert!(read < 8 << 20, "{read} bytes were read");
}

#[test]
fn a_file_without_end_is_stopped_at_the_limit() {
    let (text, limits) = (after(0, ""), small());
    let endless = text.as_bytes().chain(Endless(GOOD.as_bytes(), 0));
    let error = read_from(endless, "census.csv", &limits, |_| {}).unwrap_err();
    assert!(matches!(error, CensusError::TooLarge { .. }), "{error}");
}

#[test]
fn a_quote_that_never_closes_is_named_with_its_line() {
    let said = said_of(&format!("A1,x1,\"1.2.0,stable,eu,x\n{}", GOOD.repeat(9)));
    assert_eq!(
        said,
        "the census census.csv, line 4: field 3 has a quote that does not enclose it whole; a field ends on its line"
    );
    for bad in [
        "A1,x\"1,1.2.0,stable,eu,x",
        "A1,\"x1\"1,1.2.0,stable,eu,x",
        "\"",
        "\"\"\"",
    ] {
        assert!(said_of(bad).contains("has a quote that"), "{bad}");
    }
}

#[test]
fn nul_bytes_are_no_part_of_a_name() {
    for bad in [
        "A1\0,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z",
        "A1,x\x001,1.2.0,stable,eu,2026-11-24T00:00:00Z",
        "A1,x1,1.2.0\0,stable,eu,2026-11-24T00:00:00Z",
        "A1,x1,1.2.0,stable,\0,2026-11-24T00:00:00Z",
        "A1,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z\0",
        "\0",
    ] {
        let said = said_of(bad);
        assert!(
            said.starts_with("the census census.csv, line 4: "),
            "{said}"
        );
        assert!(!said.contains('\0'), "{said:?}");
    }
}

#[test]
fn made_up_versions_do_not_fill_the_memory() {
    let limits = small();
    let line = |n: u32| format!("A1,x1,1.2.{n},stable,eu,2026-11-24T00:00:00Z\n");
    let text: String = (0..20_000).map(line).collect();
    let said = refusal_within(format!("{HEADER}{text}").as_bytes(), &limits);
    assert!(
        said.ends_with("column version has more than 100 distinct values, the limit"),
        "{said}"
    );
}

/// No thread alone sees too many.
#[test]
fn made_up_versions_are_counted_over_all_threads() {
    let limits = Limits {
        names: 9,
        ..small()
    };
    let tally = |versions: std::ops::Range<u32>| {
        let mut tally = Tally::new(&limits);
        for version in versions {
            let version = format!("1.2.{version}");
            let counted = crate::tally::Counted {
                model: b"x1",
                version: version.as_bytes(),
                channel: b"stable",
                region: b"",
                last_seen: "2026-11-24".parse().unwrap(),
            };
            tally.add(&counted, 1).unwrap();
        }
        tally
    };
    let merged = |other| Tally::merge(vec![tally(0..6), tally(other)], &limits);
    assert_eq!(merged(3..9).unwrap().total(), 12);
    let (column, limit) = (crate::Column::Version, 9);
    assert_eq!(merged(4..10), Err(Fault::TooManyNames { column, limit }));
}

#[test]
fn made_up_days_do_not_fill_the_memory() {
    let line = |n: u32| {
        let (year, month) = (1970 + n / 12, n % 12 + 1);
        format!("A1,x1,1.2.0,stable,eu,{year}-{month:02}-01T00:00:00Z\n")
    };
    let text: String = (0..5000).map(line).collect();
    let said = refusal_within(format!("{HEADER}{text}").as_bytes(), &small());
    assert!(said.contains("more than 200 groups of model"), "{said}");
}

#[test]
fn a_header_of_a_thousand_columns_is_refused() {
    let header = HEADER.replace('\n', &",x".repeat(1000));
    assert_eq!(
        refusal(header.as_bytes()),
        "the census census.csv, line 1: it has more than 64 columns, the limit"
    );
}

#[test]
fn headers_that_leave_it_open_what_a_value_is_are_refused() {
    for (header, problem) in [
        ("", "there is no column serial"),
        ("\n", "there is no column serial"),
        (
            "Serial,model,version,channel,region,last_seen",
            "there is no column serial",
        ),
        (
            "serial,model,version,channel,region",
            "there is no column last_seen",
        ),
        (
            "serial;model;version;channel;region;last_seen",
            "there is no column serial",
        ),
        (
            "serial,model,model,version,channel,region,last_seen",
            "the column model comes twice",
        ),
    ] {
        let said = refusal(header.as_bytes());
        assert!(
            said.starts_with(&format!(
                "the census census.csv, line 1: {problem}; the header names the columns"
            )),
            "{said}"
        );
    }
}

#[test]
fn values_that_a_column_does_not_take_are_named() {
    for (bad, problem) in [
        (
            "a1,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z",
            "column serial: a serial number takes 1 to 32",
        ),
        (
            "A1,X1,1.2.0,stable,eu,2026-11-24T00:00:00Z",
            "column model: \"X1\" is no name of a model",
        ),
        (
            "A1,=1+1,1.2.0,stable,eu,2026-11-24T00:00:00Z",
            "column model: \"=1+1\" is no name of a model",
        ),
        (
            "A1,x1,1.2,stable,eu,2026-11-24T00:00:00Z",
            "column version: \"1.2\" is none: ",
        ),
        (
            "A1,x1,1.2.0,,eu,2026-11-24T00:00:00Z",
            "column channel: \"\" is no name of a channel",
        ),
        (
            "A1,x1,1.2.0,stable,EU,2026-11-24T00:00:00Z",
            "column region: \"EU\" is no name of a region",
        ),
        (
            "A1,x1,1.2.0,stable,eu,2026-11-24",
            "column last_seen: it takes a time from 1970 on as RFC 3339",
        ),
        (
            "A1,x1,1.2.0,stable,eu,2026-02-30T00:00:00Z",
            "column last_seen: ",
        ),
        (
            "A1,x1,1.2.0,stable,eu,1969-12-31T23:59:59Z",
            "column last_seen: ",
        ),
        (
            "A1,x1,1.2.0,stable,eu",
            "it has 5 fields, and the header has 6",
        ),
        (
            "A1,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z,",
            "it has 7 fields, and the header has 6",
        ),
    ] {
        let said = said_of(bad);
        assert!(
            said.starts_with(&format!("the census census.csv, line 4: {problem}")),
            "{said}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut bytes = after(1, "").into_bytes();
    bytes.extend_from_slice(b"A1,\xff\xfe,1.2.0,stable,eu,2026-11-24T00:00:00Z\n");
    assert_eq!(
        refusal(&bytes),
        "the census census.csv, line 3: column model: it is not UTF-8"
    );
}

/// An error is no place for somebody's serial number.
#[test]
fn a_refused_serial_number_is_not_repeated() {
    let said = said_of("SECRET_SERIAL,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z");
    assert!(!said.contains("SECRET"), "{said}");
}

#[test]
fn the_first_bad_line_is_told_whoever_finds_another_first() {
    let bad = "A1,x1,none,stable,eu,2026-11-24T00:00:00Z\n";
    for _ in 0..20 {
        let text = after(50, &format!("{bad}{}{bad}{bad}", GOOD.repeat(3)));
        assert!(refusal(text.as_bytes()).contains("line 52: "));
    }
}
