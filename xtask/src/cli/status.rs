//! `cargo xtask status`.

use camino::Utf8PathBuf;
use clap::Args;
use jiff::Timestamp;
use xtask::release::repository_folder;
use xtask::status;

use super::{Exit, Session};

/// Shows what is published: channels, releases, roles with their keys and expiry, and whose keys these are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask status                                 the local repository
  cargo xtask status --json | jq '.roles[].expires'
  cargo xtask status --repository /srv/updates --anchor keys/roots/1.root.json")]
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
        let report = status::examine(
            session.checkout(),
            &repository,
            self.anchor.as_deref(),
            Timestamp::now(),
        )?;
        session.print(&report)?;
        Ok(if report.expired {
            Exit::NotReady
        } else {
            Exit::Success
        })
    }
}
