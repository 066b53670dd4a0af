//! One run: its folder, its size, its rounds. Leaves nothing behind, also when it is interrupted.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use anyhow::Context;
use tempfile::TempDir;

use crate::{
    group::{self, Group},
    report::{Machine, Report, Row},
};

/// Bytes in a megabyte, as image sizes and speeds count them.
pub(crate) const MEGABYTE: u64 = 1_000_000;

/// What every group needs to know.
pub(crate) struct Bench {
    scratch: TempDir,
    pub(crate) rounds: u32,
    scale: Scale,
}

/// How large the images are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// As promised.
    Full,
    /// A tenth of that.
    Tenth,
}

impl Bench {
    pub(crate) fn new(rounds: u32, scale: Scale) -> anyhow::Result<Self> {
        let parent = env::var_os("BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let scratch = tempfile::Builder::new()
            .prefix("firstlayer-benches-")
            .tempdir_in(&parent)
            .with_context(|| format!("making a folder in {}", parent.display()))?;
        remove_when_interrupted(scratch.path())?;
        Ok(Self {
            scratch,
            rounds,
            scale,
        })
    }

    /// Measures these groups, or all of them if none is named.
    pub(crate) fn run(&self, groups: &[Group]) -> Report {
        let machine = Machine::now(self.scratch.path());
        let wanted = |group: &&Group| groups.is_empty() || groups.contains(group);
        let rows = Group::ALL
            .iter()
            .filter(wanted)
            .flat_map(|group| group.run(self))
            .collect();
        Report { machine, rows }
    }

    /// An empty folder that goes when it is dropped.
    pub(crate) fn folder(&self) -> anyhow::Result<TempDir> {
        TempDir::new_in(self.scratch.path()).context("making a folder for a measurement")
    }

    /// Bytes of an image of so many megabytes, at this run's scale.
    pub(crate) fn size(&self, megabytes: u64) -> u64 {
        match self.scale {
            Scale::Full => megabytes.saturating_mul(MEGABYTE),
            Scale::Tenth => megabytes.saturating_mul(MEGABYTE / 10),
        }
    }

    /// The same for people.
    pub(crate) fn size_name(&self, megabytes: u64) -> String {
        format!("{} MB", self.size(megabytes) as f64 / MEGABYTE as f64)
    }

    /// The rows of a measurement, or the one that says why there are none.
    pub(crate) fn rows(
        &self,
        group: Group,
        what: &str,
        measure: impl FnOnce() -> anyhow::Result<Vec<group::Measured>>,
    ) -> Vec<Row> {
        note(&format!("measuring {group}: {what}"));
        let rows = match measure() {
            Ok(figures) => figures
                .into_iter()
                .map(|(what, figure)| Row::measured(group, what, figure))
                .collect(),
            Err(error) => vec![Row::not_measured(group, what, &error)],
        };
        rows.iter().for_each(|row| note(&format!("  {row}")));
        rows
    }
}

/// Tells a waiting person what goes on, and what is known so far.
pub(crate) fn note(what: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(io::stderr(), "{what}");
}

/// An interrupted run leaves nothing behind either; the programs it waits for are interrupted by the same terminal.
fn remove_when_interrupted(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.to_owned();
    let remove = move || {
        // The folder may be gone already, and there is nobody left to tell.
        let _ = fs::remove_dir_all(&folder);
        process::exit(130);
    };
    ctrlc::set_handler(remove).context("setting up for interruptions")
}
