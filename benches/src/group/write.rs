//! Writing a bundle against `zstd` on the same image: the time it takes, and how large it is.

use std::{fs, path::Path};

use anyhow::Context;

use crate::{
    bench::Bench,
    group::{Group, Measured, times},
    image::write_image,
    process,
    report::{Amount, Bound, Figure, Row},
    rounds::{in_turns, spread},
    writing::{bundle_writer, zstd_writer, zstd_writer_name},
};

const MEGABYTES: u64 = 64;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let what = format!("bundle of {}", bench.size_name(MEGABYTES));
    bench.rows(Group::Write, &what, || measure(bench, &what))
}

fn measure(bench: &Bench, what: &str) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    let path = |name: &str| folder.path().join(name);
    let (image, bundle, packed) = (path("image"), path("bundle"), path("image.zst"));
    write_image(&image, bench.size(MEGABYTES))?;
    let rounds = in_turns(
        bench.rounds,
        [
            &mut || process::time(&mut bundle_writer(&image, &bundle)?),
            &mut || process::time(&mut zstd_writer(&image, &packed)),
        ],
    )?;
    let time = times(&rounds, &zstd_writer_name())?.needs(Bound::AtMost(1.15));
    let size = sizes(&bundle, &packed)?.needs(Bound::AtMost(1.05));
    Ok(vec![
        (format!("{what}, time"), time),
        (format!("{what}, size"), size),
    ])
}

fn sizes(bundle: &Path, packed: &Path) -> anyhow::Result<Figure> {
    let size = |path: &Path| {
        let data = fs::metadata(path).with_context(|| format!("looking at {}", path.display()));
        Ok::<_, anyhow::Error>(data?.len() as f64)
    };
    let (ours, peer) = (size(bundle)?, size(packed)?);
    Ok(Figure::new(
        Amount::Bytes(ours),
        Amount::Bytes(peer),
        zstd_writer_name(),
        spread([ours / peer])?,
    ))
}
