//! `cargo xtask validate`.

use camino::Utf8PathBuf;
use clap::Args;
use jiff::Timestamp;
use xtask::release::repository_folder;
use xtask::validate;

use super::{Exit, Session};

/// Checks the configuration, and a whole repository: every file, every signature, every bundle
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 3 if anything is wrong.

Examples:
  cargo xtask validate                              the local repository
  cargo xtask validate --repository /srv/updates --anchor keys/roots/1.root.json")]
pub(crate) struct Arguments {
    /// The folder of the repository [default: .firstlayer/repository]
    #[arg(long, value_name = "FOLDER")]
    repository: Option<Utf8PathBuf>,
    /// Verify from this root instead of the repository's own, which may be anyone's
    #[arg(long, value_name = "FILE")]
    anchor: Option<Utf8PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let repository = self
            .repository
            .unwrap_or_else(|| repository_folder(session.checkout()));
        let report = validate::validate(
            session.checkout(),
            &repository,
            self.anchor.as_deref(),
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
