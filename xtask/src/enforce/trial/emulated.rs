//! The real trial: the version's own `printerd`, out of its own bundle, under emulation, asks over plain HTTP.
//!
//! The image is unpacked from the bundle with every hash compared, and of it only the program and what it knows of itself
//! is written to disk. It gets a folder of its own for its state, and knows nothing but its trust anchor.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::{Board, Limits, Reader};
use semver::Version;
use serde_json::Value;

use super::{Case, Trial, Tried};
use crate::board;
use crate::checkout::Checkout;
use crate::progress::{Event, Progress};
use crate::serve::Background;
use crate::toolchain::emulator;
use crate::toolchain::process::Call;

/// Longer than a check takes on a busy machine, whose emulator translates as it goes.
const PATIENCE: Duration = Duration::from_secs(300);
/// What is taken out of an image: the program, and what it knows of itself.
const PROGRAM: &str = "usr/sbin/printerd";
const WANTED: [&str; 3] = [
    PROGRAM,
    "usr/share/printerd/release.json",
    "usr/share/printerd/root.json",
];
/// More than any of these takes: stops an image that would fill the disk.
const LARGEST: u64 = 256 << 20;

/// Runs archived firmware on this machine.
pub struct Emulated<'a> {
    emulators: Emulators<'a>,
    progress: &'a dyn Progress,
}

/// The program that runs a board's binaries, if the board is known.
type Emulators<'a> = Box<dyn Fn(&Board) -> Result<Option<Utf8PathBuf>> + 'a>;

impl<'a> Emulated<'a> {
    /// On this checkout's emulators, which are fetched if there are none.
    pub fn new(checkout: &'a Checkout, progress: &'a dyn Progress) -> Self {
        let emulators = move |name: &Board| {
            let boards = board::all(checkout)?;
            let known = boards.iter().find(|board| board.name == *name);
            let emulator = known.map(|board| emulator(checkout, board, progress));
            Ok(emulator.transpose()?)
        };
        Self {
            emulators: Box::new(emulators),
            progress,
        }
    }

    /// On this program, whatever the board.
    pub fn on(emulator: Utf8PathBuf, progress: &'a dyn Progress) -> Self {
        Self {
            emulators: Box::new(move |_| Ok(Some(emulator.clone()))),
            progress,
        }
    }
}

impl Trial for Emulated<'_> {
    fn attempt(&self, case: &Case<'_>) -> Result<Tried> {
        let (version, board) = (&case.release.version, &case.release.board);
        self.progress.event(Event::Started {
            step: format!("try {version} for {board} on today's repository"),
            total: None,
        });
        let tried = self.carry_out(case)?;
        self.progress.event(Event::Finished {
            outcome: match &tried {
                Tried::Reads {
                    offered: Some(next),
                } => format!("it would install {next}"),
                Tried::Reads { offered: None } => "it reads it, and would install nothing".into(),
                Tried::Fails { .. } => "it FAILS".to_owned(),
                Tried::Untried { .. } => "it was not tried".to_owned(),
            },
        });
        Ok(tried)
    }
}

impl Emulated<'_> {
    fn carry_out(&self, case: &Case<'_>) -> Result<Tried> {
        if !case.bundle.is_file() {
            let why = format!("{} is not in the repository", case.release.bundle.target);
            return Ok(Tried::Untried { why });
        }
        let Some(emulator) = (self.emulators)(&case.release.board)? else {
            let why = "firmware/boards/ no longer describes that board".to_owned();
            return Ok(Tried::Untried { why });
        };
        let scratch = tempfile::tempdir().context("cannot make a folder for the trial")?;
        let root = Utf8Path::from_path(scratch.path()).context("the folder has no plain name")?;
        if let Err(error) = unpack(case, root) {
            let why = format!("its bundle cannot be unpacked: {error:#}");
            return Ok(Tried::Fails { why });
        }
        let server = Background::start(case.repository)?;
        let config = root.join("trial.toml");
        fs::write(&config, configuration(case, root, &server.url()))
            .with_context(|| format!("cannot write {config}"))?;
        let mut command = Command::new(emulator);
        // No proxy and no setting of this machine's is the printer's.
        command.env_clear().arg(root.join(PROGRAM));
        command.args([
            "--root",
            root.as_str(),
            "--config",
            config.as_str(),
            "--json",
        ]);
        command.args(["update", "check"]);
        let call = Call::new("check for updates", command).within(PATIENCE);
        Ok(match call.output() {
            Ok(said) => understand(&said, case),
            Err(error) => Tried::Fails {
                why: error.to_string(),
            },
        })
    }
}

/// Settings that the image's own would be, but for the place. Every version knows them.
fn configuration(case: &Case<'_>, root: &Utf8Path, url: &str) -> String {
    format!(
        "board = \"{}\"\nmodel = \"{}\"\nchannel = \"{}\"\nrepository = \"{url}/\"\nstate = \"{root}/state\"\n\n\
         [slots]\ncapacity = {LARGEST}\n",
        case.release.board, case.model, case.channel
    )
}

/// The report's fields that matter, whatever else a version writes into it.
fn understand(said: &str, case: &Case<'_>) -> Tried {
    let report: Value = match serde_json::from_str(said) {
        Ok(report) => report,
        Err(_) => {
            let why = "it printed no report".to_owned();
            return Tried::Fails { why };
        }
    };
    let text = |at: &str| report.pointer(at).and_then(Value::as_str);
    let running = text("/running").unwrap_or("no version at all");
    if running != case.release.version.to_string() {
        let why = format!("it says that it is {running}");
        return Tried::Fails { why };
    }
    let offered = text("/release/version").map(str::parse::<Version>);
    match offered.transpose() {
        Ok(offered) => Tried::Reads { offered },
        Err(_) => Tried::Fails {
            why: "it was offered what is no version".to_owned(),
        },
    }
}

/// The bundle's one payload, every hash compared, and out of that what is wanted.
fn unpack(case: &Case<'_>, root: &Utf8Path) -> Result<()> {
    let file = File::open(case.bundle)?;
    let source = BufReader::with_capacity(1 << 18, file);
    let digest = &case.release.bundle.manifest;
    let reader = Reader::new(source, digest, &Limits::default())?;
    let mut image = tempfile::tempfile_in(root)?;
    let mut out = BufWriter::new(&mut image);
    reader.read(|_, bytes| out.write_all(bytes))?;
    out.flush()?;
    drop(out);
    image.rewind()?;
    let mut archive = tar::Archive::new(BufReader::new(image));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let Some(name) = WANTED.iter().find(|wanted| **wanted == path) {
            write(&mut entry, &root.join(name))?;
        }
    }
    for name in WANTED {
        anyhow::ensure!(root.join(name).is_file(), "its image has no {name}");
    }
    Ok(())
}

fn write(entry: &mut impl Read, path: &Utf8Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path)?;
    std::io::copy(&mut entry.take(LARGEST), &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    Ok(())
}
