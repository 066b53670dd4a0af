//! `cargo xtask validate`.

use clap::Args;
use jiff::Timestamp;
use xtask::validate;

use super::{Exit, Published, Session};

/// Checks the configuration, and a whole repository: every file, every signature, every bundle
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 3 if anything is wrong.

Examples:
  cargo xtask validate                              the local repository
  cargo xtask validate --repository /srv/updates --anchor keys/roots/1.root.json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    published: Published,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let report = validate::validate(
            session.checkout(),
            &self.published.repository(session),
            self.published.anchor(),
            Timestamp::now(),
            session.progress(),
        );
        session.print(&report)?;
        Ok(if report.problems.is_empty() {
            Exit::Success
        } else {
            Exit::NotReady
        })
    }
}
