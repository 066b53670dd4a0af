//! Looks at the machine and tells what `build` and `release` would find, without changing or fetching anything.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;
use std::time::Duration;

use camino::Utf8Path;
use serde::Serialize;

use crate::board;
use crate::checkout::Checkout;
use crate::error::Result;
use crate::toolchain::process::Call;
use crate::toolchain::{host, survey};

/// What was seen.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether a release can go ahead, if need be by fetching; whether the network is there is not tried.
    pub ready: bool,
    /// One a thing that a release needs.
    pub checks: Vec<Check>,
}

/// One thing that a release needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What it is.
    pub name: &'static str,
    /// Whether it is there.
    pub state: State,
    /// Its version or place; or where it will come from; or what to do about it.
    pub detail: String,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It is there.
    Found,
    /// It is not, and the command that needs it will get it.
    Fetch,
    /// It is not, and nobody can get it for the user.
    Missing,
}

impl Check {
    pub(crate) fn found(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Found,
            detail: detail.into(),
        }
    }

    pub(crate) fn fetch(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Fetch,
            detail: detail.into(),
        }
    }

    pub(crate) fn missing(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Missing,
            detail: detail.into(),
        }
    }
}

/// Looks. Fails only where the checkout itself is broken.
pub fn examine(checkout: &Checkout) -> Result<Report> {
    let boards = board::all(checkout)?;
    let names: Vec<_> = boards.iter().map(|board| board.name.as_str()).collect();
    let targets: BTreeSet<_> = boards.iter().map(|board| board.target).collect();
    let mut checks = vec![
        Check::found("boards", names.join(", ")),
        program("git", "apt install git"),
    ];
    checks.extend(survey::checks(
        checkout,
        &targets.into_iter().collect::<Vec<_>>(),
    )?);
    Ok(Report {
        ready: checks.iter().all(|check| check.state != State::Missing),
        checks,
    })
}

fn program(name: &'static str, remedy: &str) -> Check {
    match host::find(name) {
        Some(path) => Check::found(name, version(&path)),
        None => Check::missing(name, format!("not on PATH; {remedy}")),
    }
}

/// What the program calls itself; its place if it does not say.
pub(crate) fn version(program: &Utf8Path) -> String {
    let mut command = Command::new(program);
    command.arg("--version");
    let said = Call::new(format!("ask {program}"), command)
        .within(Duration::from_secs(10))
        .output();
    let first = said
        .ok()
        .and_then(|said| said.lines().next().map(str::to_owned));
    first.unwrap_or_else(|| program.to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check {
            name,
            state,
            detail,
        } in &self.checks
        {
            writeln!(formatter, "{state:<10} {name:<22} {detail}")?;
        }
        let verdict = if self.ready {
            "a release can go ahead"
        } else {
            "a release cannot go ahead"
        };
        writeln!(formatter, "\n{verdict}")
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Found => "found",
            Self::Fetch => "will fetch",
            Self::Missing => "MISSING",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_that_is_missing_says_how_to_get_it() {
        let check = program("no-such-program-here", "apt install it");
        assert_eq!(check.state, State::Missing);
        assert!(check.detail.contains("apt install it"));
    }

    #[test]
    fn text_tells_each_check_and_the_verdict() {
        let report = Report {
            ready: false,
            checks: vec![Check::missing("git", "not on PATH")],
        };
        assert_eq!(
            report.to_string(),
            "MISSING    git                    not on PATH\n\na release cannot go ahead\n"
        );
    }
}
