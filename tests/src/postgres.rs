//! PostgreSQL of a test's own: the installed one, else Debian's, unpacked beside the tests.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, getuid};

use crate::debian::{Tool, debian_package};
use crate::network::free_address;
use crate::process::{Process, run_ok};
use crate::workshop::{on_path, scratch};

/// What gates log in with; in a URL, and nowhere else.
pub const PASSWORD: &str = "not-a-secret";

const USER: &str = "gate";
const LIMIT: Duration = Duration::from_secs(120);
/// Whom root becomes: PostgreSQL refuses to run as root. `nobody`, wherever there is one.
const NOBODY: u32 = 65534;

/// A server that listens on a free port and on a Unix socket; ends when dropped.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    running: Option<Process>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// A server with an empty database, started. `Err` says why there is none here.
    pub fn start() -> Result<Self, String> {
        let programs = Programs::find()?;
        let folder = scratch();
        if getuid().is_root() {
            let nobody = Some(NOBODY);
            chown(folder.path(), nobody, nobody).expect("giving a folder away");
        }
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).expect("writing a password");
        let data = folder.path().join("data");
        let mut make = programs.command("initdb")?;
        make.args(["--username", USER, "--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--locale", "C", "--pwfile"])
            .arg(&password)
            .arg(&data);
        run_ok(make.current_dir(folder.path()), LIMIT);
        let port = free_address().port();
        let mut serve = programs.command("postgres")?;
        serve
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .arg("-D")
            .arg(&data);
        let mut running = Process::spawn(serve.current_dir(folder.path()));
        let ready = running.wait_for_line(LIMIT, |line| line.contains("ready to accept"));
        if ready.is_none() {
            panic!("PostgreSQL did not start: {}", running.finish(LIMIT));
        }
        Ok(Self {
            port,
            running: Some(running),
            folder,
        })
    }

    /// Its URL, over TCP on the loopback.
    pub fn url(&self) -> String {
        let port = self.port;
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres")
    }

    /// Its URL, over a Unix socket: the one that is there in every network.
    pub fn socket_url(&self) -> String {
        let (port, folder) = (self.port, self.folder.path().display());
        format!("postgres://{USER}:{PASSWORD}@localhost:{port}/postgres?host={folder}")
    }
}

/// It ends in good order: its processes lead groups of their own, and would outlive a kill.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::INT);
            running.finish(LIMIT);
        }
    }
}

/// Where its programs are.
struct Programs {
    folder: PathBuf,
    unpacked: Option<PathBuf>,
}

impl Programs {
    fn find() -> Result<Self, String> {
        if let Some(folder) = newest(Path::new("/usr/lib/postgresql")) {
            let unpacked = None;
            return Ok(Self { folder, unpacked });
        }
        let unpacked = debian_package("postgresql")?;
        let folder = newest(&unpacked.join("usr/lib/postgresql"))
            .ok_or("Debian's postgresql has no server in it")?;
        Ok(Self {
            folder,
            unpacked: Some(unpacked),
        })
    }

    /// As whoever may run it.
    fn command(&self, name: &str) -> Result<Command, String> {
        let tool = Tool::at(self.folder.join(name), self.unpacked.clone());
        let program = tool.command();
        if !getuid().is_root() {
            return Ok(program);
        }
        let become_nobody = on_path("setpriv").ok_or("no setpriv on PATH to be other than root")?;
        let mut command = Command::new(become_nobody);
        command
            .arg(format!("--reuid={NOBODY}"))
            .arg(format!("--regid={NOBODY}"))
            .args(["--clear-groups", "--"])
            .arg(program.get_program());
        for (key, value) in program.get_envs() {
            command.env(key, value.unwrap_or_default());
        }
        Ok(command)
    }
}

/// The programs of the newest version in a folder of versions.
fn newest(versions: &Path) -> Option<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let entries = fs::read_dir(versions).ok()?.flatten();
    let installed = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").is_file());
    installed.max_by_key(number).map(|path| path.join("bin"))
}
