//! How long a bundle takes to write, and how large it is, against `zstd -T2` at the same level on the same data.
//!
//! Criterion measures both alone. The ratios that follow come from rounds in which the two take turns, so that
//! whatever else the machine does meets both alike; they count processor time too, the steadier
//! of the two where other work runs beside them. Set in the environment:
//! `BENCH_DATA`, a file to compress (else a tar of this machine's libraries), `BENCH_MEGABYTES` of it (64),
//! `BENCH_LEVEL`, `BENCH_FRAME_MEGABYTES`, `BENCH_ROUNDS` (5).
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::{
    env,
    fs::{self, File},
    io::{self, Read},
    num::NonZeroUsize,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use criterion::{Criterion, Throughput};
use firstlayer_bundle::{Counter, Identity, Options, PayloadSource, write};

fn main() {
    let data = data();
    let options = options();
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group(format!("write at level {}", options.level));
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("bundle", |bencher| bencher.iter(|| bundle(&data, &options)));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &data).unwrap();
    group.bench_function("zstd -T2", |bencher| {
        bencher.iter(|| zstd(file.path(), options.level))
    });
    group.finish();
    ratios(&data, file.path(), &options);
}

/// Lets the two take turns, and prints each round's ratios: bundle to `zstd`.
fn ratios(data: &[u8], file: &Path, options: &Options) {
    println!(
        "{} bytes at level {}, frames of {}",
        data.len(),
        options.level,
        options.frame_length
    );
    for round in 1..=number("BENCH_ROUNDS", 5) {
        let (size, wall, processor) = timed(|| bundle(data, options));
        let (reference_size, reference_wall, reference_processor) =
            timed(|| zstd(file, options.level));
        println!(
            "round {round}: time {:.3} ({wall:.2} s / {reference_wall:.2} s), processor {:.3} ({processor:.2} s / \
             {reference_processor:.2} s), size {:.4} ({size} / {reference_size})",
            wall / reference_wall,
            processor / reference_processor,
            size as f64 / reference_size as f64,
        );
    }
}

fn bundle(data: &[u8], options: &Options) -> u64 {
    let identity = Identity {
        board: "virt-aarch64".parse().unwrap(),
        models: vec!["p1".parse().unwrap()],
        version: "1.0.0".parse().unwrap(),
        counter: Counter::new(1).unwrap(),
    };
    let source = PayloadSource {
        name: "root".parse().unwrap(),
        length: data.len() as u64,
        reader: Box::new(data),
    };
    let mut spool = tempfile::tempfile().unwrap();
    let out = tempfile::tempfile().unwrap();
    write(identity, vec![source], &mut spool, out, options)
        .unwrap()
        .length
}

fn zstd(file: &Path, level: i32) -> u64 {
    let out = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("zstd")
        .args(["-q", "-T2", &format!("-{level}"), "-c"])
        .arg(file)
        .stdout(Stdio::from(out.reopen().unwrap()))
        .status();
    assert!(status.unwrap().success());
    out.path().metadata().unwrap().len()
}

/// What came out, seconds by the clock, seconds of the processor.
fn timed(work: impl FnOnce() -> u64) -> (u64, f64, f64) {
    let (start, before) = (Instant::now(), processor_seconds());
    let size = work();
    (
        size,
        start.elapsed().as_secs_f64(),
        processor_seconds() - before,
    )
}

/// User and system time of this process and of the programs it waited for (proc(5), fields 14 to 17, in hundredths).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .skip(11)
        .take(4);
    fields
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

fn options() -> Options {
    let standard = Options::default();
    Options {
        level: number("BENCH_LEVEL", standard.level as u64) as i32,
        threads: NonZeroUsize::new(2).unwrap(),
        frame_length: number("BENCH_FRAME_MEGABYTES", standard.frame_length >> 20) << 20,
    }
}

fn data() -> Vec<u8> {
    let limit = number("BENCH_MEGABYTES", 64) << 20;
    let source: Box<dyn Read> = match env::var_os("BENCH_DATA") {
        Some(path) => Box::new(File::open(path).unwrap()),
        None => Box::new(io::Cursor::new(libraries(limit))),
    };
    let mut data = Vec::new();
    source.take(limit).read_to_end(&mut data).unwrap();
    data
}

/// A tar of this machine's own libraries and programs, sorted by name: what the root file system of a printer is like.
fn libraries(limit: u64) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    for folder in [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/bin",
    ] {
        let mut paths = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>();
        paths.sort();
        for path in paths
            .iter()
            .filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_file()))
        {
            if (archive.get_ref().len() as u64) < limit {
                archive
                    .append_path_with_name(path, path.strip_prefix("/").unwrap())
                    .unwrap();
            }
        }
    }
    archive.into_inner().unwrap()
}

fn number(variable: &str, standard: u64) -> u64 {
    env::var(variable).map_or(standard, |value| value.parse().unwrap())
}
