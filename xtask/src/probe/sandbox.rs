//! A network of the probe's own: ports 8883 and 990 are the printer's there, and nobody else's.
//!
//! The program that measures is this one again, behind `unshare`, in namespaces for users, network and processes.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use super::order::{News, Order};
use crate::error::{Error, Result as ProcessResult};
use crate::toolchain::host;
use crate::toolchain::process::Call;

/// The verb by which the program is told to measure.
pub const VERB: &str = "measure-in-this-network";

/// One overall limit: several times what all experiments take under emulation on a busy machine.
const LIMIT: Duration = Duration::from_secs(900);
const START: Duration = Duration::from_secs(60);

const NAMESPACES: [&str; 5] = [
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
];
const ADVICE: &str = "the probe gives the printer a network of its own: allow namespaces to users \
    (sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0), \
    in a container start it with --security-opt seccomp=unconfined, or run it on another machine";

/// Where the measuring process is started from.
#[derive(Debug, Clone)]
pub struct Sandbox {
    program: Utf8PathBuf,
}

impl Sandbox {
    /// One that starts this program again.
    ///
    /// # Errors
    /// When the system does not say what it is.
    pub fn of_this_program() -> Result<Self> {
        let program = std::env::current_exe().context("the system does not say what runs")?;
        Ok(Self {
            program: program.try_into()?,
        })
    }

    /// Whether this machine makes such networks.
    ///
    /// # Errors
    /// What it lacks, and what to do about it.
    pub fn ready(&self) -> ProcessResult<()> {
        for (program, package) in [("unshare", "util-linux"), ("ip", "iproute2")] {
            host::find(program).ok_or_else(|| Error::Missing {
                what: format!("{program} on PATH, by which the probe makes its network"),
                next: format!("apt install {package}"),
            })?;
        }
        let mut command = Command::new("unshare");
        command
            .args(NAMESPACES)
            .args(["ip", "link", "set", "lo", "up"]);
        Call::new("make a network for the probe", command)
            .within(START)
            .advice(ADVICE)
            .run()
    }

    /// Has an order carried out, and hands on what comes of it.
    pub(super) fn carry_out(&self, order: &Order, mut on_news: impl FnMut(News)) -> Result<()> {
        let mut command = Command::new("unshare");
        command.args(NAMESPACES).arg(&self.program).arg(VERB);
        let order = serde_json::to_string(order)?;
        let mut misunderstood = None;
        Call::new("measure the printer", command)
            .within(LIMIT)
            .told(order)
            .lines(|line| match serde_json::from_str(line) {
                Ok(news) => on_news(news),
                Err(error) => misunderstood = Some(error),
            })?;
        match misunderstood {
            Some(error) => Err(error).context("the measuring process is not understood"),
            None => Ok(()),
        }
    }
}
