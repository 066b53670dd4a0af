//! Grouping a census of ten million printers, plain and compressed, against DuckDB doing the same: time and peak memory.
//! Ours computes the file's hash besides.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::{
    bench::{Bench, MEGABYTE},
    census::{Counted, duckdb_counted, duckdb_grouping, duckdb_name, our_grouping, write_census},
    group::{Group, Measured, times},
    process::{self, command, output, peak},
    report::{Amount, Bound, Figure, Row},
    rounds::{Cost, in_turns, spread},
};

/// Printers, in millions.
const MILLIONS: u64 = 10;
/// What `enforce plan` may take.
const SECONDS: f64 = 5.0;
const BYTES: f64 = 1024.0 * 1024.0 * 1024.0;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let printers = bench.size(MILLIONS);
    let what = format!("census of {} million", printers as f64 / MEGABYTE as f64);
    bench.rows(Group::Census, &what, || measure(bench, &what, printers))
}

fn measure(bench: &Bench, what: &str, printers: u64) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    let plain = folder.path().join("census.csv");
    let packed = folder.path().join("census.csv.zst");
    write_census(&plain, printers)?;
    output(
        command("zstd", ["-q", "-T2"])
            .arg(&plain)
            .arg("-o")
            .arg(&packed),
    )?;
    let mut rows = Vec::new();
    for (how, path) in [("plain", &plain), ("zstd", &packed)] {
        let what = format!("{what}, {how}");
        let (memory, peer_memory) = memory(path, printers)?;
        let rounds = in_turns(
            bench.rounds,
            [&mut || process::time(&mut our_grouping(path)?), &mut || {
                process::time(&mut duckdb_grouping(path)?)
            }],
        )?;
        rows.push((format!("{what}, time"), times(&rounds, &duckdb_name())?));
        rows.push((format!("{what}, time allowed"), time_allowed(&rounds)?));
        rows.push((
            format!("{what}, peak"),
            against(memory, peer_memory, &duckdb_name())?,
        ));
        let allowed = against(memory, BYTES, "allowed")?.needs(Bound::AtMost(1.0));
        rows.push((format!("{what}, peak allowed"), allowed));
    }
    Ok(rows)
}

/// The most memory of each side. Errors: they do not agree.
fn memory(census: &Path, printers: u64) -> anyhow::Result<(f64, f64)> {
    let ours = peak(&our_grouping(census)?)?;
    let theirs = peak(&duckdb_grouping(census)?)?;
    let counted: Counted = serde_json::from_str(&ours.stdout).context("what was counted")?;
    let peer = duckdb_counted(&theirs.stdout)?;
    ensure!(
        counted == peer && counted.printers == printers,
        "of {printers} printers we counted {counted:?}, and DuckDB {peer:?}"
    );
    Ok((ours.bytes as f64, theirs.bytes as f64))
}

fn time_allowed(rounds: &[[Cost; 2]]) -> anyhow::Result<Figure> {
    let walls = || rounds.iter().map(|[ours, _]| ours.wall);
    let figure = Figure::new(
        Amount::Seconds(spread(walls())?.median),
        Amount::Seconds(SECONDS),
        "allowed",
        spread(walls().map(|wall| wall / SECONDS))?,
    );
    Ok(figure.needs(Bound::AtMost(1.0)))
}

fn against(ours: f64, peer: f64, name: &str) -> anyhow::Result<Figure> {
    let (ours_shown, peer_shown) = (Amount::Bytes(ours), Amount::Bytes(peer));
    Ok(Figure::new(
        ours_shown,
        peer_shown,
        name,
        spread([ours / peer])?,
    ))
}
