//! A network of one test's own: a namespace in which the printer has its real ports, and nobody else is.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::workshop::on_path;

const START: Duration = Duration::from_secs(20);

/// An address of this machine's loopback where nothing listens, for servers that cannot choose one themselves.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}

/// Addresses of the loopback beside 127.0.0.1 are all there: a client may come from 127.0.0.2.
#[derive(Debug)]
pub struct Network {
    holder: Process,
}

impl Network {
    /// `Err` says why this machine cannot.
    pub fn new() -> Result<Self, String> {
        for program in ["unshare", "nsenter", "ip", "ss"] {
            on_path(program).ok_or(format!("no {program} on PATH to make a network with"))?;
        }
        let mut hold = Command::new("unshare");
        hold.args(["--map-root-user", "--net", "sh", "-c"])
            .arg("ip link set lo up && echo up >&2 && exec sleep infinity");
        let mut holder = Process::spawn(&mut hold);
        match holder.wait_for_line(START, |line| line == "up") {
            Some(_) => Ok(Self { holder }),
            None => Err(format!(
                "this system makes no network namespaces: {}",
                holder.finish(START)
            )),
        }
    }

    /// The command, run inside.
    pub fn inside(&self, command: &Command) -> Command {
        let mut enter = Command::new("nsenter");
        enter
            .args(["--preserve-credentials", "--user", "--net", "--target"])
            .arg(self.holder.id().to_string())
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            enter.env(key, value.unwrap_or(OsStr::new("")));
        }
        if let Some(folder) = command.get_current_dir() {
            enter.current_dir(folder);
        }
        enter
    }
}
