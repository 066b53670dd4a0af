//! `cargo xtask demo`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;
use clap::Args;

use super::{Exit, Session};

/// Tells the story of a deadline: old firmware, a rule, whom it cuts off, and the way out
#[derive(Debug, Args)]
#[command(after_help = "\
Real firmware under emulation, real rules, real servers, on this machine alone:
1.0 to 1.3 are released without HTTPS for job files and 1.4 with it, each is
measured, a plan says whom 25 November cuts off, and a printer with 1.2 is
refused, updates over plain HTTP, and prints.

Takes about a minute on two cores once the firmware is built. The maker's
repository, the plan with its page and the census stay in .firstlayer/demo/.
Servers that the machine lacks are fetched and unpacked beside the tests.

Examples:
  cargo xtask demo
  cargo xtask demo --json | jq .plan.total")]
pub(crate) struct Arguments {
    /// Where it is made, and what stays of it lies; emptied first [default: .firstlayer/demo]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<camino::Utf8PathBuf>,
    /// Say nothing of what is going on
    #[arg(long)]
    quiet: bool,
}

impl Arguments {
    /// The story stands on the harness of the end-to-end tests, which is no part of this program: it becomes that one.
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let folder = self.folder.map(std::path::absolute).transpose()?;
        let mut demo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        demo.current_dir(session.checkout().root())
            .args([
                "run",
                "--quiet",
                "--locked",
                "--package",
                "firstlayer-tests",
            ])
            .args(["--bin", "demo", "--"]);
        if session.wants_json() {
            demo.arg("--json");
        }
        if let Some(folder) = folder {
            demo.arg("--folder").arg(folder);
        }
        if self.quiet {
            demo.arg("--quiet");
        }
        Err(demo.exec()).context("cannot run the demo")
    }
}
