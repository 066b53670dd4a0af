//! `cargo xtask doctor`.

use clap::Args;
use xtask::doctor;

use super::{Exit, Session};

/// Shows what the machine has, what it lacks, and what `build` and `release` would do about it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask doctor           what is there and what is not
  cargo xtask doctor --json    the same for a script; exit code 3 when a release cannot go ahead")]
pub(crate) struct Arguments {}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let report = doctor::examine(session.checkout())?;
        session.print(&report)?;
        Ok(if report.ready {
            Exit::Success
        } else {
            Exit::NotReady
        })
    }
}
