//! `cargo xtask probe`.

use clap::Args;
use firstlayer_policy::Channel;
use jiff::Timestamp;
use xtask::release::{self, Environment, Request};

use super::{Exit, Session};

/// Measures under emulation what the firmware can do, as `release` does before it claims anything
#[derive(Debug, Args)]
#[command(after_help = "\
Each board's image is built and started under QEMU, in a network of its own, and
put to the test: one experiment a capability. Nothing is signed or published.

Exit code 1 if a board lacks a capability, or one could not be measured.

Examples:
  cargo xtask probe                      every board in firmware/boards/
  cargo xtask probe --board virt-armv7   one of them
  cargo xtask probe --json | jq '.boards[].capabilities[] | {capability, verdict}'")]
pub(crate) struct Arguments {
    /// Measure this board only; may be given more than once
    #[arg(long = "board", value_name = "BOARD")]
    boards: Vec<String>,
    /// Measure images for this channel, one of manifests/channels/
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    channel: Channel,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let checkout = session.checkout();
        let request = Request::new(checkout, self.channel, Environment::Development, None, None);
        let (now, progress) = (Timestamp::now(), session.progress());
        let report = release::probe(checkout, &request, &self.boards, now, progress)?;
        session.print(&report)?;
        Ok(match report.is_complete() {
            true => Exit::Success,
            false => Exit::Failed,
        })
    }
}
