//! `cargo xtask status`.

use clap::Args;
use jiff::Timestamp;
use xtask::status;

use super::{Exit, Published, Session};

/// Shows what is published: channels, releases, roles with their keys and expiry, and whose keys these are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask status                                 the local repository
  cargo xtask status --json | jq '.roles[].expires'
  cargo xtask status --repository /srv/updates --anchor keys/roots/1.root.json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    published: Published,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let report = status::examine(
            session.checkout(),
            &self.published.repository(session),
            self.published.anchor(),
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
