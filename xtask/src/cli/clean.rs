//! `cargo xtask clean`.

use clap::Args;
use xtask::clean::{self, Request};

use super::{Exit, Session};

/// Removes what the commands made in .firstlayer/; never keys or the repository unless told to
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask clean --dry-run      what would go
  cargo xtask clean                build results and leftovers
  cargo xtask clean --toolchain    the cross-compiling toolchain as well")]
pub(crate) struct Arguments {
    /// Say what would go; remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove the cross-compiling toolchain as well; the next build fetches it again
    #[arg(long)]
    toolchain: bool,
    /// Remove the local repository and its keys as well: printers that trust them can never be updated again
    #[arg(long)]
    destroy_keys_and_repository: bool,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let request = Request {
            keys_and_repository: self.destroy_keys_and_repository,
            toolchain: self.toolchain,
            dry_run: self.dry_run,
        };
        session.print(&clean::clean(session.checkout(), &request)?)?;
        Ok(Exit::Success)
    }
}
