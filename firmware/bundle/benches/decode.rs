//! How long a frame takes to decode, against what cannot be left out: the SHA-256 of its stored bytes, and zstd into
//! a buffer that is already there. Criterion measures both alone; the ratios after it come from turns.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::{env, fs, hint::black_box, io::Cursor, time::Instant};

use criterion::{Criterion, Throughput};
use firstlayer_bundle::{
    Counter, Decoder, Frame, Identity, Limits, Options, PayloadSource, Sha256, read_manifest, write,
};
use zstd::bulk::Decompressor;

fn main() {
    let (frame, stored) = frame();
    let mut raw = Vec::with_capacity(frame.length as usize);
    let (mut decoder, mut zstd) = (Decoder::new().unwrap(), Decompressor::new().unwrap());
    let mut reference = Vec::with_capacity(frame.length as usize);
    let mut ours = || decoder.decode(&frame, &stored, &mut raw).unwrap();
    let mut parts = || {
        black_box(Sha256::of(&stored));
        zstd.decompress_to_buffer(&stored, &mut reference).unwrap();
    };
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(frame.length));
    group.bench_function("Decoder", |bencher| bencher.iter(&mut ours));
    group.bench_function("sha256 + zstd", |bencher| bencher.iter(&mut parts));
    group.finish();
    for round in 1..=5 {
        let (ours, parts) = turns(&mut ours, &mut parts);
        println!(
            "round {round}: time {:.3} ({ours:.4} s / {parts:.4} s for 100 frames)",
            ours / parts
        );
    }
}

/// Seconds that each takes for a hundred frames, one frame at a time in turn.
fn turns(ours: &mut impl FnMut(), parts: &mut impl FnMut()) -> (f64, f64) {
    let (mut first, mut second) = (0.0, 0.0);
    for _ in 0..100 {
        first += seconds(ours);
        second += seconds(parts);
    }
    (first, second)
}

fn seconds(work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// A frame of 4 MiB of this very program's machine code, or of the file that `BENCH_DATA` names.
fn frame() -> (Frame, Vec<u8>) {
    let path = env::var_os("BENCH_DATA").map_or_else(|| env::current_exe().unwrap(), Into::into);
    let image = fs::read(path).unwrap();
    let image = image.get(..4 << 20).unwrap_or(&image);
    let source = PayloadSource {
        name: "root".parse().unwrap(),
        length: image.len() as u64,
        reader: Box::new(image),
    };
    let identity = Identity {
        board: "virt-aarch64".parse().unwrap(),
        models: vec!["p1".parse().unwrap()],
        version: "1.0.0".parse().unwrap(),
        counter: Counter::new(1).unwrap(),
    };
    let mut bytes = Vec::new();
    let spool = &mut Cursor::new(Vec::new());
    let written = write(
        identity,
        vec![source],
        spool,
        &mut bytes,
        &Options::default(),
    )
    .unwrap();
    let manifest = read_manifest(bytes.as_slice(), &written.digest, &Limits::default()).unwrap();
    let place = manifest.location(0, 0).unwrap();
    let stored = bytes.get(place.start as usize..place.end as usize).unwrap();
    (
        manifest
            .payloads()
            .first()
            .unwrap()
            .frames
            .first()
            .unwrap()
            .clone(),
        stored.to_vec(),
    )
}
