//! What a firmware can do, measured: the image's `printerd` is started under emulation and put to the test.
//!
//! Nothing is believed of what it says of itself. The verdicts come from what was seen, and a release claims them.

mod bench;
mod evidence;
mod experiment;
mod inside;
mod kept;
mod order;
mod peer;
mod printer;
mod process;
mod reading;
mod report;
mod sandbox;
mod verdict;

use std::fs::File;
use std::io::BufReader;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::Identity;
use firstlayer_policy::Channel;

pub use evidence::{Evidence, PREDICATE_TYPE, STATEMENT_TYPE};
pub use inside::measure as measure_inside;
pub use reading::EvidenceProblem;
pub(crate) use reading::{LONGEST_EVIDENCE, check_evidence};
pub use report::{Probed, Report};
pub use sandbox::{Sandbox, VERB};
pub use verdict::{Finding, Measurement, Observation, Verdict};

use crate::doctor;
use crate::progress::{Event, Progress};
use experiment::EXPERIMENTS;
use order::{News, Order};

/// An image to measure.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its root file system tree, a tar.
    pub root: Utf8PathBuf,
    /// What it says it is.
    pub identity: Identity,
    /// The channel that it follows.
    pub channel: Channel,
}

/// What runs a board's programs on this machine.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// The program.
    pub program: Utf8PathBuf,
    /// What it calls itself.
    pub version: String,
}

impl Emulator {
    /// Asks the program for its version.
    pub fn at(program: Utf8PathBuf) -> Self {
        let version = doctor::version(&program);
        Self { program, version }
    }
}

/// The names of all that is measured, in the order in which it is.
pub fn capabilities() -> impl ExactSizeIterator<Item = &'static str> {
    EXPERIMENTS.iter().map(|experiment| experiment.capability)
}

/// Measures what an image can do, unless it was seen to do everything before on this machine: `folder` keeps that, by the
/// image and the emulator, so that a release that was stopped need not measure again.
///
/// # Errors
/// As [`measure`].
pub fn measure_once(
    image: &Image,
    emulator: &Emulator,
    sandbox: &Sandbox,
    folder: &Utf8Path,
    progress: &dyn Progress,
) -> Result<Probed> {
    let kept = kept::Kept::of(image, emulator, folder)?;
    if let Some(findings) = kept.read() {
        return Probed::new(image, emulator, findings);
    }
    let probed = measure(image, emulator, sandbox, progress)?;
    // What was missed on a bad day may be seen the next time.
    if probed.has_everything() {
        kept.write(&probed)?;
    }
    Ok(probed)
}

/// Measures what an image can do. Takes about ten seconds.
///
/// # Errors
/// When the machine cannot run the experiments. What an experiment could not find out is no error: it is in the result.
pub fn measure(
    image: &Image,
    emulator: &Emulator,
    sandbox: &Sandbox,
    progress: &dyn Progress,
) -> Result<Probed> {
    let board = &image.identity.board;
    progress.event(Event::Started {
        step: format!("probe what {board} can do, under emulation"),
        total: u64::try_from(EXPERIMENTS.len()).ok(),
    });
    let folder = tempfile::tempdir().context("cannot make a folder for the probe")?;
    let home = Utf8Path::from_path(folder.path()).context("a folder whose name is no text")?;
    let order = Order {
        emulator: emulator.program.clone(),
        root: home.join("root"),
        folder: home.join("bench"),
        channel: image.channel.clone(),
    };
    unpack(&image.root, &order.root)?;
    let mut measurements = Vec::new();
    sandbox.carry_out(
        &order,
        |News::Measured {
             capability,
             finding,
         }| {
            measurements.push((capability, finding));
            progress.event(Event::Advanced {
                done: measurements.len() as u64,
            });
        },
    )?;
    ensure!(
        measurements.len() == EXPERIMENTS.len(),
        "the measuring process ended before its last experiment"
    );
    let probed = Probed::new(image, emulator, measurements)?;
    progress.event(Event::Finished {
        outcome: probed.summary(),
    });
    Ok(probed)
}

fn unpack(tar: &Utf8Path, into: &Utf8Path) -> Result<()> {
    let file = File::open(tar).with_context(|| format!("cannot open {tar}"))?;
    tar::Archive::new(BufReader::new(file))
        .unpack(into)
        .with_context(|| format!("cannot unpack {tar}"))
}
