//! The groups of figures, a module each.

mod census;
mod decide;
mod decode;
mod gate;
mod install;
mod memory;
mod metadata;
mod write;

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    bench::Bench,
    report::{Amount, Figure, Row},
    rounds::{Cost, spread},
};

/// What can be asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    /// Writing a bundle against `zstd -T2`: time and size
    Write,
    /// Installing 256 MB against `zstd -d`, `sha256sum` and `dd`
    Install,
    /// Refreshing the metadata against its bare signatures and hashes
    Metadata,
    /// Peak memory of installs of 64 MB, 256 MB and 1 GB, and of writing their bundles
    Memory,
    /// Decoding a frame against sha256 and zstd alone
    Decode,
    /// Deciding about a million printers against look-ups and comparisons alone
    Decide,
    /// The gate under load, its rules swapped every second, against nginx with a file
    Gate,
    /// Grouping a census of ten million printers against DuckDB
    Census,
}

/// What was compared, and the figure.
pub(crate) type Measured = (String, Figure);

impl Group {
    pub(crate) const ALL: [Self; 8] = [
        Self::Write,
        Self::Decode,
        Self::Install,
        Self::Metadata,
        Self::Memory,
        Self::Decide,
        Self::Gate,
        Self::Census,
    ];

    pub(crate) fn run(self, bench: &Bench) -> Vec<Row> {
        match self {
            Self::Write => write::run(bench),
            Self::Install => install::run(bench),
            Self::Metadata => metadata::run(bench),
            Self::Memory => memory::run(bench),
            Self::Decode => decode::run(bench),
            Self::Decide => decide::run(bench),
            Self::Gate => gate::run(bench),
            Self::Census => census::run(bench),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(value) => f.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

/// Our time against a peer's.
fn times(rounds: &[[Cost; 2]], peer: &str) -> anyhow::Result<Figure> {
    let of = |side: fn(&[Cost; 2]) -> Cost| spread(rounds.iter().map(|round| side(round).wall));
    let (ours, theirs) = (of(|[ours, _]| *ours)?, of(|[_, peer]| *peer)?);
    let ratios = || rounds.iter().map(|[ours, peer]| *ours / *peer);
    let figure = Figure::new(
        Amount::Seconds(ours.median),
        Amount::Seconds(theirs.median),
        peer,
        spread(ratios().map(|ratio| ratio.wall))?,
    );
    Ok(figure.with_processor(spread(ratios().map(|ratio| ratio.processor))?))
}
