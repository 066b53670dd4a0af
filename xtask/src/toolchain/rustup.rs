//! The user's own rustup toolchain, which has or can fetch a standard library for the boards' targets.
//! A machine whose rustup cannot fetch is remembered for a day, so that not every build waits for it.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::Provider;
use super::compiler::Compiler;
use super::host;
use super::process::Call;
use super::record::{Component, Package};
use super::store::{self, Store};
use crate::board::Target;
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};

/// The file that remembers a failure; its age tells when.
pub(crate) const FAILED: &str = "rustup-failed";
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
const ASKING: Duration = Duration::from_secs(30);
const FETCHING: Duration = Duration::from_secs(300);

/// Whether to try when rustup failed not long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The user asked for rustup, or there is nothing else.
    TryAgain,
    /// Something else will do.
    RememberFailure,
}

/// The toolchain with all `targets`; fetches what it lacks.
pub(crate) fn prepare(
    store: &Store,
    targets: &[Target],
    patience: Patience,
    progress: &dyn Progress,
) -> Result<Compiler> {
    let missing = missing_targets(targets)?;
    if !missing.is_empty() {
        add(store, &missing, patience, progress)?;
    }
    compiler()
}

/// Which of the targets the active toolchain lacks. Fails where there is no rustup.
pub(crate) fn missing_targets(targets: &[Target]) -> Result<Vec<Target>> {
    let installed = ask(&["target", "list", "--installed"])?;
    let has = |target: &Target| installed.lines().any(|line| line == target.triple());
    Ok(targets
        .iter()
        .copied()
        .filter(|target| !has(target))
        .collect())
}

/// Whether rustup failed to fetch within the last day.
pub(crate) fn failed_lately(marker: &Utf8Path) -> bool {
    let modified = fs::metadata(marker).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| is_fresh(modified, SystemTime::now()))
}

fn is_fresh(failed: SystemTime, now: SystemTime) -> bool {
    now.duration_since(failed).is_ok_and(|age| age < REMEMBERED)
}

fn add(
    store: &Store,
    missing: &[Target],
    patience: Patience,
    progress: &dyn Progress,
) -> Result<()> {
    let marker = store.path(FAILED);
    if patience == Patience::RememberFailure && failed_lately(&marker) {
        return Err(Error::Missing {
            what: "network for rustup (it failed within the last day)".to_owned(),
            next: format!("try again with --toolchain rustup, or remove {marker}"),
        });
    }
    let step = format!("let rustup fetch {}", triples(missing).join(", "));
    progress.event(Event::Started {
        step: step.clone(),
        total: None,
    });
    let mut command = rustup()?;
    command.args(["target", "add"]).args(triples(missing));
    // rustup waits for minutes by default; these bound each attempt, the limit bounds them all.
    command
        .env("RUSTUP_MAX_RETRIES", "1")
        .env("RUSTUP_DOWNLOAD_TIMEOUT", "20");
    let added = Call::new(step, command).within(FETCHING).run();
    let outcome = if added.is_ok() { "done" } else { "it cannot" };
    progress.event(Event::Finished {
        outcome: outcome.to_owned(),
    });
    if let Err(error) = &added {
        store::write(&marker, error.to_string().as_bytes())?;
    }
    added
}

fn compiler() -> Result<Compiler> {
    let rustc = Utf8PathBuf::from(ask(&["which", "rustc"])?.trim());
    let cargo = Utf8PathBuf::from(ask(&["which", "cargo"])?.trim());
    let sysroot = Utf8PathBuf::from(run(&rustc, &["--print", "sysroot"])?.trim());
    let version = run(&rustc, &["--version"])?
        .trim()
        .trim_start_matches("rustc ")
        .to_owned();
    let package = Package {
        name: "rustc".to_owned(),
        version,
        sha256: None,
    };
    Ok(Compiler {
        provider: Provider::Rustup,
        cargo,
        rustc,
        source: sysroot.join("lib/rustlib/src/rust"),
        environment: Vec::new(),
        arguments: &[],
        flags: &[],
        component: Component {
            name: "rustup".to_owned(),
            packages: vec![package],
        },
    })
}

fn rustup() -> Result<Command> {
    host::find("rustup")
        .map(quiet)
        .ok_or_else(|| Error::Missing {
            what: "rustup on PATH".to_owned(),
            next: "install it from rustup.rs, or build with --toolchain debian".to_owned(),
        })
}

/// Its errors are told in a sentence; a stack trace of its own says nothing to anybody here.
fn quiet(program: Utf8PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env("RUST_BACKTRACE", "0");
    command
}

fn ask(arguments: &[&str]) -> Result<String> {
    let mut command = rustup()?;
    command.args(arguments);
    Call::new(format!("ask rustup ({})", arguments.join(" ")), command)
        .within(ASKING)
        .output()
}

fn run(program: &Utf8Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    Call::new(format!("ask {program}"), command)
        .within(ASKING)
        .output()
}

fn triples(targets: &[Target]) -> Vec<&'static str> {
    targets.iter().map(|target| target.triple()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_remembered_for_a_day_and_no_longer() {
        let failed = SystemTime::UNIX_EPOCH + REMEMBERED;
        assert!(is_fresh(failed, failed + Duration::from_secs(3600)));
        assert!(!is_fresh(failed, failed + REMEMBERED));
        assert!(!is_fresh(failed, failed - Duration::from_secs(1)));
    }

    #[test]
    fn no_failure_is_no_failure() {
        assert!(!failed_lately(Utf8Path::new("/no/such/file")));
    }
}
