//! `cargo xtask build`.

use clap::Args;
use xtask::build::{self, Request};
use xtask::release::Environment;
use xtask::toolchain::Provider;

use super::{Exit, Session};

/// Cross-compiles the firmware for one board or for all
#[derive(Debug, Args)]
#[command(after_help = "\
What the machine lacks is fetched into .firstlayer/toolchain/; the system is left alone.
The same commit gives the same bytes in any folder with the same toolchain.

Examples:
  cargo xtask build                       every board in firmware/boards/
  cargo xtask build --board virt-armv7    one of them
  cargo xtask build --json | jq -r '.binaries[].path'")]
pub(crate) struct Arguments {
    /// Build for this board only; may be given more than once
    #[arg(long = "board", value_name = "BOARD")]
    boards: Vec<String>,
    /// Build for development or production, whose firmware refuses development keys
    #[arg(long, value_name = "ENVIRONMENT", default_value = "development")]
    environment: Environment,
    /// Leave job files over HTTPS out, as old firmware did; for tests and the demo
    #[arg(long)]
    without_https_transfer: bool,
    /// Take the Rust compiler from here: auto, rustup or debian
    #[arg(long, value_name = "PROVIDER", default_value = "auto")]
    toolchain: Provider,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let request = Request {
            boards: self.boards,
            environment: self.environment,
            without_https_transfer: self.without_https_transfer,
            provider: self.toolchain,
        };
        let report = build::build(session.checkout(), &request, session.progress())?;
        session.print(&report)?;
        Ok(Exit::Success)
    }
}
