//! A gate as its operator runs it: a process with a configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Output, Process};
use crate::workshop::built;

const LIMIT: Duration = Duration::from_secs(60);

/// A running gate; killed when dropped.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    process: Process,
}

impl Gate {
    /// Starts it, and waits until it listens and has verified rules. It goes on to run with what it kept, if it ran before.
    #[track_caller]
    pub fn start(config: &Path) -> Self {
        Self::start_program(program(), config)
    }

    /// The same with a gate that was built otherwise.
    #[track_caller]
    pub fn start_program(program: &Path, config: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg("--config").arg(config).arg("run");
        let mut process = Process::spawn(&mut command);
        let (mut address, mut in_force) = (None, false);
        while address.is_none() || !in_force {
            let Some(line) = process.wait_for_line(LIMIT, |_| true) else {
                panic!("the gate ended: {}", process.finish(LIMIT));
            };
            in_force |= line.contains("rules are in force");
            address = address.or_else(|| address_in(&line));
        }
        Self {
            address: address.expect("one was told"),
            process,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a line of its log.
    pub fn hear(&mut self, accept: impl Fn(&str) -> bool) -> Option<String> {
        self.process.wait_for_line(LIMIT, accept)
    }

    /// Kills it as a power cut would; gives what it had said.
    pub fn kill(self) -> Output {
        self.process.kill()
    }

    /// Ends it as the system does; gives all that it said.
    pub fn stop(self) -> Output {
        self.process.signal(Signal::TERM);
        self.process.finish(LIMIT)
    }
}

/// The gate, built once a process.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("gate"))
}

/// `… the gate listens address=127.0.0.1:40123`
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("address=")?;
    address.split_whitespace().next()?.parse().ok()
}
