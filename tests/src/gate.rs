//! A gate as its operator runs it: a process with a configuration.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use crate::fixture::Fixture;
use crate::process::{Output, Process};
use crate::workshop::built;

const LIMIT: Duration = Duration::from_secs(60);

/// What the maker's services show at a gate whose folder [`lay_out`] made.
pub const SERVICE_TOKEN: &str = "token-of-the-makers-services";

const CONFIG: &str = r#"
listen = "127.0.0.1:0"
state = "state"
audit = "audit.jsonl"
[repository]
url = "http://127.0.0.1/"
folder = "repository"
trust_anchor = "root.json"
channels = ["stable"]
refresh_seconds = 1
[census]
database = "sqlite:census.db"
[tokens]
operator = { file = "operator" }
service = { file = "service" }
"#;

/// Writes what a gate beside a fixture's repository needs; the folder `repository` in it is the caller's. Gives the
/// configuration's file.
pub fn lay_out(folder: &Path) -> PathBuf {
    for (name, text) in [
        ("root.json", Fixture::anchor()),
        ("operator", b"token-of-the-operator".to_vec()),
        ("service", SERVICE_TOKEN.into()),
        ("gate.toml", CONFIG.into()),
    ] {
        fs::write(folder.join(name), text)
            .unwrap_or_else(|error| panic!("writing {name}: {error}"));
    }
    folder.join("gate.toml")
}

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
