//! `cargo xtask demo`: the story that the project exists for, told with the real parts.

#![allow(
    clippy::indexing_slicing,
    reason = "of JSON, which is null where there is nothing"
)]

mod builds;
mod calendar;
mod customer;
mod fleet;
mod maker;
mod story;
mod told;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use firstlayer_tests::process;
use firstlayer_tests::workshop::checkout;
use xtask::probe::{VERB, measure_inside};
use xtask::progress::{Event, Progress, Silent};

/// The exit code of whatever SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Tells the story of the deadline with real firmware, rules and servers
#[derive(Debug, Parser)]
#[command(name = "cargo xtask demo", bin_name = "cargo xtask demo")]
struct Arguments {
    /// Print what came of it as JSON on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Where it is made, and what stays of it lies; emptied first [default: .firstlayer/demo]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<Utf8PathBuf>,
    /// Say nothing of what is going on
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    // The probe starts this program again, in a network of its own.
    let inside = std::env::args_os().nth(1).is_some_and(|word| word == VERB);
    let done = match inside {
        true => measure_inside(),
        false => run(Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            line(&format!("error: {error:?}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => Utf8Path::from_path(checkout())
            .context("the checkout's path is no text")?
            .join(".firstlayer/demo"),
    };
    empty(&folder)?;
    // Servers and printers lead process groups of their own, and do not hear the terminal.
    ctrlc::set_handler(|| {
        process::kill_all();
        std::process::exit(INTERRUPTED);
    })?;
    let progress: &dyn Progress = match arguments.quiet {
        true => &Silent,
        false => &Lines,
    };
    let told = story::tell(&folder, progress)?;
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&told)?,
        false => format!("\n{told}"),
    };
    writeln!(std::io::stdout().lock(), "{}", text.trim_end()).context("cannot print the report")
}

/// Empties what an earlier run made; anything else is not ours to remove.
fn empty(folder: &Utf8Path) -> Result<()> {
    const OURS: &str = ".made-by-the-demo";
    if folder.exists() {
        let is_empty = folder.read_dir_utf8()?.next().is_none();
        anyhow::ensure!(
            is_empty || folder.join(OURS).is_file(),
            "{folder} is neither empty nor the demo's own; name another --folder"
        );
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {folder}"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    fs::write(folder.join(OURS), "").with_context(|| format!("cannot write into {folder}"))
}

/// Progress as plain lines.
struct Lines;

impl Progress for Lines {
    fn event(&self, event: Event) {
        match event {
            Event::Started { step, .. } => line(&format!("{step} …")),
            Event::Finished { outcome } => line(&format!("  {outcome}")),
            Event::Note(text) => line(&text),
            _ => {}
        }
    }
}

/// Standard error may be closed; then there is nobody left to tell.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
