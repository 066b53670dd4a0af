//! A whole install against each of its stages alone, on the same bytes and the same medium.
//!
//! The stages are those that the specification of the figure names, and each does nothing but its part: `zstd -d` of
//! the payload writes to nowhere, `sha256sum` reads the image, `dd` copies the image and syncs it. What an install
//! does besides is its own affair: it hashes the payload as stored, reads the slot back, and hashes each frame of it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use anyhow::Context;

use crate::{
    bench::Bench,
    group::{Group, Measured},
    image::write_image,
    printer::Printer,
    process::{command, output, time},
    report::{Amount, Bound, Figure, Row},
    repository::publish,
    rounds::{Cost, in_turns, spread},
    writing::bundle_writer,
};

const MEGABYTES: u64 = 256;
const STAGES: [&str; 3] = ["zstd -d", "sha256sum", "dd conv=fsync"];

/// What an install and each stage took in one round.
type Round = [Cost; 4];

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let what = format!("{} from a folder", bench.size_name(MEGABYTES));
    bench.rows(Group::Install, &what, || measure(bench, &what))
}

fn measure(bench: &Bench, what: &str) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    let length = bench.size(MEGABYTES);
    let rounds = rounds(bench.rounds, folder.path(), length)?;
    let figures = Figures { rounds, length };
    let mut rows = vec![
        (
            format!("{what}, slowest stage"),
            figures.slowest()?.needs(Bound::AtLeast(0.8)),
        ),
        (
            format!("{what}, all stages in a row"),
            figures.against("the sum of the three", |[_, zstd, sha256, dd]| {
                *zstd + *sha256 + *dd
            })?,
        ),
    ];
    let alone: [fn(&Round) -> Cost; 3] = [|round| round[1], |round| round[2], |round| round[3]];
    for (name, stage) in STAGES.into_iter().zip(alone) {
        rows.push((format!("{what}, one stage"), figures.against(name, stage)?));
    }
    Ok(rows)
}

fn rounds(count: u32, folder: &Path, length: u64) -> anyhow::Result<Vec<Round>> {
    let path = |name: &str| folder.join(name);
    let (image, payload, copy, repository) = (
        path("image"),
        path("root.zst"),
        path("copy"),
        path("repository"),
    );
    write_image(&image, length)?;
    let bundle = path("bundle");
    let written = output(&mut bundle_writer(&image, &bundle)?)?;
    extract(&bundle, &payload)?;
    publish(&repository, &bundle, &serde_json::from_str(&written)?)?;
    let printer = Printer::new(&path("printer"), "http://localhost/", length)?;
    let from = repository
        .to_str()
        .context("a folder's name that is text")?;
    let mut install = || {
        printer.reset()?;
        let cost = time(&mut printer.update(&["install", "--from", from]))?;
        printer.check_installed(length)?;
        Ok(cost)
    };
    let mut zstd = || time(command("zstd", ["-dqc"]).arg(&payload));
    let mut sha256 = || time(&mut command("sha256sum", [&image]));
    let mut dd = || {
        absent(&copy)?;
        let mut dd = command("dd", ["bs=4M", "conv=fsync", "status=none"]);
        time(dd.arg(operand("if=", &image)).arg(operand("of=", &copy)))
    };
    in_turns(count, [&mut install, &mut zstd, &mut sha256, &mut dd])
}

fn operand(name: &str, path: &Path) -> std::ffi::OsString {
    let mut operand = std::ffi::OsString::from(name);
    operand.push(path);
    operand
}

fn absent(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The payload as it lies in the bundle, for `zstd` to decompress the very bytes that an install does.
fn extract(bundle: &Path, payload: &Path) -> anyhow::Result<()> {
    let mut archive = tar::Archive::new(File::open(bundle)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.as_os_str() == "root.zst" {
            io::copy(&mut entry, &mut File::create(payload)?)?;
            return Ok(());
        }
    }
    anyhow::bail!("the bundle has no payload")
}

/// Speeds, from the times that it took for so many bytes.
struct Figures {
    rounds: Vec<Round>,
    length: u64,
}

impl Figures {
    /// Against the stage that took longest, in each round.
    fn slowest(&self) -> anyhow::Result<Figure> {
        let longest = |[_, zstd, sha256, dd]: &Round| {
            let longer = |one: Cost, other: &Cost| if other.wall > one.wall { *other } else { one };
            [sha256, dd].into_iter().fold(*zstd, longer)
        };
        self.against("the slowest of the three", longest)
    }

    fn against(&self, name: &str, peer: impl Fn(&Round) -> Cost) -> anyhow::Result<Figure> {
        let speed = |walls: Vec<f64>| {
            let median = spread(walls)?.median;
            Ok::<_, anyhow::Error>(Amount::BytesPerSecond(self.length as f64 / median))
        };
        let ours = self.rounds.iter().map(|[install, ..]| install.wall);
        let theirs = self.rounds.iter().map(|round| peer(round).wall);
        // A ratio of speeds is that of the times, the other way round; processor seconds stay what they are.
        let faster = self
            .rounds
            .iter()
            .map(|round| peer(round).wall / round[0].wall);
        let processor = self
            .rounds
            .iter()
            .map(|round| round[0].processor / peer(round).processor);
        let figure = Figure::new(
            speed(ours.collect())?,
            speed(theirs.collect())?,
            name,
            spread(faster)?,
        );
        Ok(figure.with_processor(spread(processor)?))
    }
}
