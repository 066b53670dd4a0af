//! `cargo xtask serve`.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::Args;
use xtask::release::repository_folder;
use xtask::serve::Server;

use super::{Exit, Session};

/// Serves the repository over plain HTTP until Ctrl-C, with ranges, for trying out
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask serve                            on http://127.0.0.1:8080
  cargo xtask serve --listen 0.0.0.0:8000      for printers on the network
  cargo xtask serve --listen 127.0.0.1:0       any free port; it says which")]
pub(crate) struct Arguments {
    /// Listen on this address; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder of the repository [default: .firstlayer/repository]
    #[arg(long, value_name = "FOLDER", visible_alias = "repository")]
    directory: Option<Utf8PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let folder = self
            .directory
            .unwrap_or_else(|| repository_folder(session.checkout()));
        let server = Server::bind(&folder, self.listen)?;
        session.print(&server.report()?)?;
        server.run()?;
        Ok(Exit::Success)
    }
}
