//! Decoding a frame against what cannot be left out: the SHA-256 of its stored bytes, and zstd into a buffer that is
//! already there.

use std::{fs, hint::black_box, io::Cursor};

use anyhow::Context;
use firstlayer_bundle::{Decoder, Frame, Limits, PayloadSource, Sha256, read_manifest, write};
use zstd::bulk::Decompressor;

use crate::{
    bench::Bench,
    group::{Group, Measured, times},
    image::write_image,
    report::Row,
    rounds::{in_turns, timed},
    writing::{identity, options},
};

/// Frames decoded in a round: enough for the clock.
const FRAMES: u32 = 20;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let what = format!("{FRAMES} frames of 4 MiB");
    bench.rows(Group::Decode, &what, || measure(bench, &what))
}

fn measure(bench: &Bench, what: &str) -> anyhow::Result<Vec<Measured>> {
    let (frame, stored) = frame(bench)?;
    let capacity = usize::try_from(frame.length)?;
    let (mut raw, mut reference) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
    let (mut decoder, mut zstd) = (Decoder::new()?, Decompressor::new()?);
    let mut ours = || Ok(decoder.decode(&frame, &stored, &mut raw)?);
    let mut parts = || {
        black_box(Sha256::of(&stored));
        zstd.decompress_to_buffer(&stored, &mut reference)?;
        Ok(())
    };
    let rounds = in_turns(
        bench.rounds,
        [
            &mut || Ok(timed(|| (0..FRAMES).try_for_each(|_| ours()))?.1),
            &mut || Ok(timed(|| (0..FRAMES).try_for_each(|_| parts()))?.1),
        ],
    )?;
    Ok(vec![(
        what.to_owned(),
        times(&rounds, "sha256 and zstd alone")?,
    )])
}

/// The manifest's entry and the stored bytes of an image of one frame.
fn frame(bench: &Bench) -> anyhow::Result<(Frame, Vec<u8>)> {
    let folder = bench.folder()?;
    let path = folder.path().join("image");
    write_image(&path, options().frame_length)?;
    let image = fs::read(&path).context("reading the image")?;
    let source = PayloadSource {
        name: "root".parse()?,
        length: image.len() as u64,
        reader: Box::new(image.as_slice()),
    };
    let (mut spool, mut bundle) = (Cursor::new(Vec::new()), Vec::new());
    let written = write(
        identity()?,
        vec![source],
        &mut spool,
        &mut bundle,
        &options(),
    )?;
    let manifest = read_manifest(bundle.as_slice(), &written.digest, &Limits::default())?;
    let place = manifest.location(0, 0).context("the place of the frame")?;
    let stored = bundle.get(usize::try_from(place.start)?..usize::try_from(place.end)?);
    let frame = manifest
        .payloads()
        .first()
        .and_then(|payload| payload.frames.first());
    let (frame, stored) = frame.zip(stored).context("a bundle of one frame")?;
    Ok((frame.clone(), stored.to_vec()))
}
