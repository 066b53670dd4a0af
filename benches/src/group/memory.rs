//! The most memory that a process has while it installs, above one that only says how the printer stands; and that a
//! process has while it writes the bundle.

use std::path::Path;

use firstlayer_tests::server::Server;

use crate::{
    bench::Bench,
    group::{Group, Measured},
    image::write_image,
    printer::Printer,
    process::peak,
    report::{Amount, Bound, Figure, Row},
    repository::publish,
    rounds::spread,
    writing::{bundle_writer, zstd_writer, zstd_writer_name},
};

const MEGABYTES: [u64; 3] = [64, 256, 1000];
/// What an install may have above the idle process, in bytes.
const ALLOWED: f64 = 32.0 * 1024.0 * 1024.0;
/// The kernel's figure is exact; more rounds only show how threads met.
const MOST_ROUNDS: u32 = 3;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let size = |megabytes| {
        let what = bench.size_name(megabytes);
        bench.rows(Group::Memory, &what, || measure(bench, &what, megabytes))
    };
    MEGABYTES.into_iter().flat_map(size).collect()
}

fn measure(bench: &Bench, what: &str, megabytes: u64) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    let length = bench.size(megabytes);
    let path = |name: &str| folder.path().join(name);
    let (image, bundle, repository) = (path("image"), path("bundle"), path("repository"));
    write_image(&image, length)?;
    let writing = peak(&bundle_writer(&image, &bundle)?)?;
    publish(
        &repository,
        &bundle,
        &serde_json::from_str(&writing.stdout)?,
    )?;
    let peer = peak(&zstd_writer(&image, &path("image.zst")))?;
    std::fs::remove_file(path("image.zst"))?;
    let (written, packed) = (writing.bytes as f64, peer.bytes as f64);
    let write = Figure::new(
        Amount::Bytes(written),
        Amount::Bytes(packed),
        zstd_writer_name(),
        spread([written / packed])?,
    );
    let rounds = bench.rounds.min(MOST_ROUNDS);
    let install = install(&path("printer"), &repository, length, rounds)?;
    Ok(vec![
        (format!("install of {what}, above idle"), install),
        (format!("bundle of {what}, peak"), write),
    ])
}

/// Over plain HTTP, as a printer does it, in as many rounds.
fn install(home: &Path, repository: &Path, length: u64, rounds: u32) -> anyhow::Result<Figure> {
    let server = Server::of(repository);
    let printer = Printer::new(home, &server.url(), length)?;
    let mut above = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..rounds {
        printer.reset()?;
        let resting = peak(&printer.update(&["status"]))?.bytes as f64;
        let installing = peak(&printer.update(&["install"]))?.bytes as f64;
        printer.check_installed(length)?;
        above.push(installing - resting);
        idle.push(resting);
    }
    let idle = Amount::Bytes(spread(idle)?.median);
    let figure = Figure::new(
        Amount::Bytes(spread(above.iter().copied())?.median),
        Amount::Bytes(ALLOWED),
        format!("allowed (idle: {idle})"),
        spread(above.into_iter().map(|bytes| bytes / ALLOWED))?,
    );
    Ok(figure.always_needs(Bound::AtMost(1.0)))
}
