//! Cross-compiles `printerd` for boards.

use std::collections::BTreeSet;
use std::fs;
use std::{fmt, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::Sha256;
use serde::{Deserialize, Serialize};

use crate::board::{self, Board, Target};
use crate::checkout::Checkout;
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};
use crate::release::Environment;
use crate::toolchain::process::Call;
use crate::toolchain::{Component, Provider, Toolchain, store};

const PACKAGE: &str = "printerd";
const PROFILE: &str = "firmware";

/// What to build; by default, every board for development.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Names of boards; none means every board.
    pub boards: Vec<String>,
    /// Firmware for production refuses a root with development keys.
    pub environment: Environment,
    /// Leave job files over HTTPS out: firmware as printers ran before, for tests and the demo.
    pub without_https_transfer: bool,
    /// Where the compiler comes from.
    pub provider: Provider,
}

/// What was built, and with what.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// One a board, sorted by the boards' names.
    pub binaries: Vec<Binary>,
    /// Where the compiler came from.
    pub provider: Provider,
    /// What the toolchain was made of.
    pub toolchain: Vec<Component>,
}

/// One board's firmware binary.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Binary {
    /// What it was built for.
    pub board: Board,
    /// `.firstlayer/build/<board>/printerd`, for production `.firstlayer/production/build/…`; absolute.
    pub path: Utf8PathBuf,
    /// In bytes.
    pub length: u64,
    /// Of the whole file.
    pub sha256: Sha256,
}

/// Gets what the machine lacks, builds, and returns the binaries.
pub fn build(checkout: &Checkout, request: &Request, progress: &dyn Progress) -> Result<Report> {
    let boards = board::select(checkout, &request.boards)?;
    // For every board, whichever are asked for: or else the choice of boards could change a board's compiler.
    let toolchain = Toolchain::prepare(
        checkout,
        &targets(&board::all(checkout)?),
        request.provider,
        progress,
    )?;
    let targets = targets(&boards);
    fetch(&toolchain, checkout, progress)?;
    let compiled = output(checkout, request.environment).join("target");
    let mut command = toolchain.zigbuild(checkout, &targets)?;
    command
        .args(arguments(request))
        .env("CARGO_TARGET_DIR", &compiled);
    compile(command, &targets, progress)?;
    let collected = collected(checkout, request);
    Ok(Report {
        binaries: boards
            .into_iter()
            .map(|board| collect(&compiled, &collected, board))
            .collect::<Result<_>>()?,
        provider: toolchain.provider(),
        toolchain: toolchain.components().to_vec(),
    })
}

/// What is built for one environment never lies where the other's is looked for.
fn output(checkout: &Checkout, environment: Environment) -> Utf8PathBuf {
    match environment {
        Environment::Development => checkout.state(),
        Environment::Production => checkout.state().join("production"),
    }
}

/// Nor does firmware that lacks something lie where releases take theirs from.
fn collected(checkout: &Checkout, request: &Request) -> Utf8PathBuf {
    let output = output(checkout, request.environment);
    match request.without_https_transfer {
        true => output.join("build/without-https-transfer"),
        false => output.join("build"),
    }
}

/// What cargo is told to build; only the feature makes firmware refuse development keys.
fn arguments(request: &Request) -> Vec<&'static str> {
    let mut arguments = vec!["--package", PACKAGE, "--bin", PACKAGE];
    arguments.extend(["--profile", PROFILE, "--locked", "--quiet"]);
    arguments.push("--message-format=json-render-diagnostics");
    if request.environment == Environment::Production {
        arguments.extend(["--features", "production"]);
    }
    if request.without_https_transfer {
        arguments.push("--no-default-features");
    }
    arguments
}

fn targets(boards: &[Board]) -> Vec<Target> {
    let targets: BTreeSet<Target> = boards.iter().map(|board| board.target).collect();
    targets.into_iter().collect()
}

/// The network's part of the build, before the sources' folders are given their names.
fn fetch(toolchain: &Toolchain, checkout: &Checkout, progress: &dyn Progress) -> Result<()> {
    let step = "fetch the crates in Cargo.lock";
    progress.event(Event::Started {
        step: step.to_owned(),
        total: None,
    });
    let mut command = toolchain.cargo(checkout);
    command.args(["fetch", "--locked", "--quiet"]);
    Call::new(step, command).run()?;
    progress.event(Event::Finished {
        outcome: "done".to_owned(),
    });
    Ok(())
}

fn compile(command: Command, targets: &[Target], progress: &dyn Progress) -> Result<()> {
    let triples: Vec<_> = targets.iter().map(|target| target.triple()).collect();
    let step = format!("build {PACKAGE} for {}", triples.join(", "));
    progress.event(Event::Started {
        step: step.clone(),
        total: None,
    });
    let mut done = 0;
    Call::new(step, command).lines(|line| {
        if serde_json::from_str::<Message>(line)
            .is_ok_and(|message| message.reason == "compiler-artifact")
        {
            done += 1;
            progress.event(Event::Advanced { done });
        }
    })?;
    progress.event(Event::Finished {
        outcome: format!("done, {done} crates"),
    });
    Ok(())
}

/// As cargo tells it, a line each; only its kind matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
}

fn collect(compiled: &Utf8Path, collected: &Utf8Path, board: Board) -> Result<Binary> {
    let built = compiled
        .join(board.target.triple())
        .join(PROFILE)
        .join(PACKAGE);
    let bytes = fs::read(&built).map_err(Error::file("read", &built))?;
    let path = collected.join(board.name.as_str()).join(PACKAGE);
    store::write_program(&path, &bytes)?;
    Ok(Binary {
        board,
        path,
        length: bytes.len() as u64,
        sha256: Sha256::of(&bytes),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Binary {
            board,
            path,
            length,
            sha256,
        } in &self.binaries
        {
            writeln!(
                formatter,
                "{}  {length} bytes  sha256 {sha256}\n  {path}",
                board.name
            )?;
        }
        for package in self.toolchain.iter().filter_map(Component::principal) {
            writeln!(formatter, "with {} {}", package.name, package.version)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_for_production_alone_is_built_to_refuse_development_keys() {
        let features = |environment| {
            let arguments = arguments(&Request {
                environment,
                ..Request::default()
            });
            let place = arguments.iter().position(|word| *word == "--features");
            place.map(|place| arguments[place + 1])
        };
        assert_eq!(features(Environment::Production), Some("production"));
        assert_eq!(features(Environment::Development), None);
    }

    #[test]
    fn the_environments_share_no_output_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("firmware/boards")).unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        let checkout = Checkout::around(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        let [development, production] =
            [Environment::Development, Environment::Production].map(|one| output(&checkout, one));
        for name in ["target", "build"] {
            assert_ne!(development.join(name), production.join(name));
        }
        let lacking = Request {
            without_https_transfer: true,
            ..Request::default()
        };
        let folders = [&Request::default(), &lacking].map(|one| collected(&checkout, one));
        assert_ne!(folders[0], folders[1]);
    }
}
