//! Honest files in every shape, and hostile ones named for their attack.

mod hostile;

use proptest::prelude::*;

use super::*;
use crate::{Day, Entry, GroupKey};

const HEADER: &str = "serial,model,version,channel,region,last_seen\n";

/// Read by three threads in blocks of so many bytes.
fn read_in(bytes: &[u8], block: usize, limits: &Limits) -> Result<Groups, CensusError> {
    let work = Work {
        name: "census.csv",
        limits,
        block,
        threads: 3,
    };
    work.read(bytes, |_| {}).map(|(groups, _)| groups)
}

fn read(bytes: &[u8]) -> Result<Groups, CensusError> {
    read_in(bytes, 64, &Limits::default())
}

/// What is said of a file: the error and its causes.
fn refusal(bytes: &[u8]) -> String {
    refusal_within(bytes, &Limits::default())
}

fn refusal_within(bytes: &[u8], limits: &Limits) -> String {
    let mut error: &dyn std::error::Error = &read_in(bytes, 64, limits).unwrap_err();
    let mut said = error.to_string();
    while let Some(source) = error.source() {
        error = source;
        said.push_str(&format!(": {error}"));
    }
    said
}

fn listed(groups: &Groups) -> Vec<String> {
    let line = |(key, count): (GroupKey<'_>, u64)| {
        let region = key.region.map_or("-", |region| region.as_str());
        format!(
            "{} {} {} {region} {}: {count}",
            key.model, key.version, key.channel, key.last_seen
        )
    };
    groups.iter().map(line).collect()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

#[test]
fn printers_are_grouped() {
    let text = "serial,model,version,channel,region,last_seen\n\
                A1,x1,1.2.0,stable,eu,2026-11-24T23:59:59Z\n\
                A2,x1,1.2.0,stable,eu,2026-11-24T00:00:00.5Z\n\
                A3,x1,1.10.0,stable,eu,2026-11-24T12:00:00Z\n\
                A4,x1,1.2.0,beta,,2026-11-25T00:30:00+01:00\n";
    let wanted = [
        "x1 1.2.0 beta - 2026-11-24: 1",
        "x1 1.2.0 stable eu 2026-11-24: 2",
        "x1 1.10.0 stable eu 2026-11-24: 1",
    ];
    assert_eq!(listed(&read(text.as_bytes()).unwrap()), wanted);
    assert_eq!(listed(&read(&zstd(text.as_bytes())).unwrap()), wanted);
}

#[test]
fn the_hash_is_that_of_the_file_as_it_lies_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("census.csv.zst");
    let text = format!("{HEADER}A1,x1,1.2.0,stable,eu,2026-11-24T23:59:59Z\n");
    for bytes in [text.as_bytes(), &zstd(text.as_bytes())] {
        std::fs::write(&path, bytes).unwrap();
        let mut read = 0;
        let (groups, hash) = read_csv(&path, &Limits::default(), |bytes| read = bytes).unwrap();
        assert_eq!((groups.total(), hash), (1, Sha256::of(bytes)));
        assert_eq!(read, bytes.len() as u64);
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read_csv(Path::new("nowhere.csv"), &Limits::default(), |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "the census nowhere.csv cannot be read");
}

#[test]
fn columns_may_come_in_any_order_with_others_between() {
    let text = "note,last_seen,region,\"channel\",version,model,serial\r\n\
                \"says \"\"hi, all\"\"\",2026-11-24T00:00:00Z,eu,stable,\"1.2.0\",x1,A1\r\n\
                \r\n\
                ,2026-11-24T00:00:00Z,\"\",stable,1.2.0,x1,A2";
    let wanted = [
        "x1 1.2.0 stable - 2026-11-24: 1",
        "x1 1.2.0 stable eu 2026-11-24: 1",
    ];
    assert_eq!(listed(&read(text.as_bytes()).unwrap()), wanted);
    let marked = format!("\u{feff}{text}");
    assert_eq!(listed(&read(marked.as_bytes()).unwrap()), wanted);
}

#[test]
fn a_census_of_nobody_is_one() {
    for text in [HEADER, HEADER.trim_end()] {
        assert!(read(text.as_bytes()).unwrap().is_empty());
    }
}

#[test]
fn frames_one_after_the_other_are_one_text() {
    let lines = "A1,x1,1.2.0,stable,eu,2026-11-24T00:00:00Z\n";
    let mut bytes = zstd(HEADER.as_bytes());
    bytes.extend(zstd(lines.as_bytes()));
    bytes.extend(zstd(lines.as_bytes()));
    assert_eq!(read(&bytes).unwrap().total(), 2);
}

#[test]
fn versions_with_other_build_metadata_are_others() {
    let text = format!(
        "{HEADER}A1,x1,1.2.0+a,stable,,2026-11-24T00:00:00Z\nA1,x1,1.2.0+b,stable,,2026-11-24T00:00:00Z\n"
    );
    assert_eq!(read(text.as_bytes()).unwrap().len(), 2);
}

prop_compose! {
    fn entry()(
        serial in "[A-Z0-9][A-Z0-9-]{0,31}",
        model in "[a-z0-9][a-z0-9-]{0,3}",
        version in (0..3_u64, 0..3_u64, 0..20_u64),
        pre in proptest::option::of("[a-z]{1,3}"),
        channel in "stable|beta",
        region in proptest::option::of("eu|us|cn"),
        microsecond in 0..253_402_200_000_000_000_i64,
    ) -> Entry {
        let (major, minor, patch) = version;
        let pre = pre.map_or(String::new(), |pre| format!("-{pre}"));
        Entry {
            serial: serial.parse().unwrap(),
            model: model.parse().unwrap(),
            version: format!("{major}.{minor}.{patch}{pre}").parse().unwrap(),
            channel: channel.parse().unwrap(),
            region: region.map(|region| region.parse().unwrap()),
            last_seen: jiff::Timestamp::from_microsecond(microsecond).unwrap(),
        }
    }
}

fn written(entries: &[Entry]) -> Vec<u8> {
    let mut text = Vec::new();
    write_header(&mut text).unwrap();
    for entry in entries {
        write_entry(&mut text, entry).unwrap();
    }
    text
}

fn grouped(entries: &[Entry]) -> Groups {
    entries.iter().map(|entry| (key(entry), 1)).collect()
}

fn key(entry: &Entry) -> GroupKey<'_> {
    GroupKey {
        model: &entry.model,
        version: &entry.version,
        channel: &entry.channel,
        region: entry.region.as_ref(),
        last_seen: Day::of(entry.last_seen),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same_groups(
        entries in proptest::collection::vec(entry(), 0..40),
        block in 1..300_usize,
    ) {
        let text = written(&entries);
        let limits = Limits::default();
        let wanted = grouped(&entries);
        prop_assert_eq!(&read_in(&text, block, &limits).unwrap(), &wanted);
        prop_assert_eq!(&read_in(&zstd(&text), block, &limits).unwrap(), &wanted);
    }

    #[test]
    fn no_cell_that_is_written_is_a_formula(entry in entry()) {
        let text = String::from_utf8(written(&[entry])).unwrap();
        for cell in text.lines().flat_map(|line| line.split(',')) {
            let first = cell.chars().next().unwrap_or('a');
            prop_assert!(first.is_ascii_alphanumeric(), "{}", cell);
        }
    }

    /// Nothing that is read can panic, and where it is cut makes no difference to what is said of it.
    #[test]
    fn any_bytes_are_read_alike_wherever_they_are_cut(
        lines in "([A-C,\"]|x1,|1.2.0,|stable,|2026-11-24T00:00:00Z|\r|\n){0,60}",
        block in 1..90_usize,
    ) {
        let text = format!("{HEADER}A1,x1,1.2.0,stable,,2026-11-24T00:00:00Z\n{lines}");
        let limits = Limits::default();
        let said = |block| read_in(text.as_bytes(), block, &limits).map_err(|error| error.to_string());
        prop_assert_eq!(said(block), said(BLOCK));
    }

    /// The fast way to read a time agrees with the parser that knows every spelling.
    #[test]
    fn times_have_the_day_that_their_parser_gives_them(
        text in "(1969|19[7-9][0-9]|20[0-9]{2})-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z",
    ) {
        let line = format!("{HEADER}A1,x1,1.2.0,stable,,{text}\n");
        let parsed = text.parse::<jiff::Timestamp>().ok().filter(|moment| *moment >= jiff::Timestamp::UNIX_EPOCH);
        let found = read(line.as_bytes()).ok().and_then(|groups| groups.iter().next().map(|(key, _)| key.last_seen));
        prop_assert_eq!(found, parsed.map(Day::of));
    }
}
