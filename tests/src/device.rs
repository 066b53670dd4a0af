//! A printer in service: `printerd run` in a network of its own, as a host build or under its board's emulator.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::firmware::{Firmware, firmware};
use crate::fixture::{BOARDS, BoardUnderTest, Fixture};
use crate::network::Network;
use crate::printer::{BUILT, release_file};
use crate::process::{Output, Process, run, run_ok};
use crate::skip::note;
use crate::workshop::{built, checkout, scratch};

/// The printer's serial number.
pub const SERIAL: &str = "01S00A000000001";
/// The owner's address.
pub const OWNER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
/// Longer than any command takes, even emulated on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// What runs.
#[derive(Debug, Clone)]
pub enum Build {
    /// `printerd` for this machine.
    Host(PathBuf),
    /// The cross-compiled one.
    Emulated(Firmware),
}

/// A printer in service.
#[derive(Debug)]
pub struct Device {
    build: Build,
    home: tempfile::TempDir,
    network: Rc<Network>,
    service: Option<Process>,
    /// What its configuration says beside board, model, channel and state.
    pub settings: String,
}

/// A failed test shows what the printer said.
impl Drop for Device {
    fn drop(&mut self) {
        if let Some(service) = self.service.take()
            && std::thread::panicking()
        {
            note(&format!("the printer's service: {}", service.kill()));
        }
    }
}

impl Build {
    /// `printerd` for this machine, built once a process.
    pub fn host() -> Self {
        static BINARY: OnceLock<PathBuf> = OnceLock::new();
        let binary = BINARY.get_or_init(|| built("printerd"));
        Self::Host(binary.clone())
    }

    /// The cross-compiled `printerd` of a board.
    pub fn emulated(board: BoardUnderTest) -> Self {
        Self::Emulated(firmware(board))
    }

    fn command(&self) -> Command {
        match self {
            Self::Host(binary) => Command::new(binary),
            Self::Emulated(Firmware { binary, emulator }) => {
                let mut command = Command::new(emulator);
                command.arg(binary);
                command
            }
        }
    }
}

impl Device {
    /// A printer that is not started yet. `Err` says why this machine has no place for it.
    pub fn new(build: Build) -> Result<Self, String> {
        let network = Rc::new(Network::new()?);
        let home = scratch();
        let share = home.path().join("root/usr/share/printerd");
        fs::create_dir_all(&share).expect("making the root");
        fs::create_dir_all(home.path().join("state")).expect("making the state folder");
        fs::write(
            share.join("release.json"),
            release_file(BOARDS[0], "1.4.0", 5, BUILT),
        )
        .expect("writing");
        fs::write(share.join("root.json"), Fixture::anchor()).expect("writing the trust anchor");
        Ok(Self {
            build,
            home,
            network,
            service: None,
            settings: String::new(),
        })
    }

    /// A printer in service, with LAN mode on.
    pub fn on_lan(build: Build) -> Result<Self, String> {
        let mut device = Self::new(build)?;
        device.settings = "[machine]\nspeed = 60\n".to_owned();
        device.start();
        device.say(&["lan", "on"]);
        Ok(device)
    }

    /// Starts the service, and waits until it says that it is ready.
    #[track_caller]
    pub fn start(&mut self) {
        let mut command = self.command(&["run"]);
        command.env("PRINTERD_LOG", "info");
        let mut service = Process::spawn(&mut command);
        let ready = service.wait_for_line(LIMIT, |line| line.contains("in service"));
        assert!(
            ready.is_some(),
            "the service did not start: {}",
            service.finish(LIMIT)
        );
        self.service = Some(service);
    }

    /// Waits for a line of the service's log.
    pub fn hear(&mut self, limit: Duration, accept: impl Fn(&str) -> bool) -> Option<String> {
        let service = self.service.as_mut().expect("a service that runs");
        service.wait_for_line(limit, accept)
    }

    /// Ends the service as the system does, and gives all that it said.
    #[track_caller]
    pub fn stop(&mut self) -> Output {
        let service = self.service.take().expect("a service that runs");
        service.signal(Signal::TERM);
        service.finish(LIMIT)
    }

    /// Runs a command of the printer's own that must succeed, and gives its report.
    #[track_caller]
    pub fn say(&self, words: &[&str]) -> Value {
        let output = run(self.command(words).arg("--json"), LIMIT);
        output
            .expect_success(&format!("printerd {}", words.join(" ")))
            .json()
    }

    /// `printerd …` in the printer's network.
    pub fn command(&self, words: &[&str]) -> Command {
        let config = self.home.path().join("config.toml");
        fs::write(&config, self.config()).expect("writing the configuration");
        let mut command = self.build.command();
        command
            .arg("--config")
            .arg(config)
            .arg("--root")
            .arg(self.home.path().join("root"))
            .args(words);
        self.network.inside(&command)
    }

    /// The access code.
    #[track_caller]
    pub fn access_code(&self) -> String {
        self.say(&["access-code"])["access_code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }

    /// The file with the certificate of the printer's authority.
    #[track_caller]
    pub fn authority(&self) -> PathBuf {
        let report = self.say(&["certificate"]);
        let path = self.home.path().join("authority.pem");
        fs::write(&path, report["authority"].as_str().expect("PEM")).expect("writing");
        path
    }

    /// The card's folder.
    pub fn card(&self) -> PathBuf {
        self.home.path().join("card")
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The network that the printer is in.
    pub fn network(&self) -> &Rc<Network> {
        &self.network
    }

    /// Runs a client in the printer's network.
    pub fn run(&self, client: &Command) -> Output {
        run(&mut self.network.inside(client), LIMIT)
    }

    /// Runs a client that must succeed.
    #[track_caller]
    pub fn run_ok(&self, client: &Command) -> Output {
        run_ok(&mut self.network.inside(client), LIMIT)
    }

    /// Bytes of memory that the service holds (`VmRSS`), and the most that it held (`VmHWM`).
    #[track_caller]
    pub fn memory(&self) -> (u64, u64) {
        let service = self.service.as_ref().expect("a service that runs");
        let status = fs::read_to_string(format!("/proc/{}/status", service.id())).expect("/proc");
        let kilobytes = |key: &str| {
            let line = status
                .lines()
                .find(|line| line.starts_with(key))
                .expect("a line of the kernel's");
            line.split_whitespace()
                .nth(1)
                .expect("a number")
                .parse::<u64>()
                .expect("a number")
        };
        (kilobytes("VmRSS:") << 10, kilobytes("VmHWM:") << 10)
    }

    fn config(&self) -> String {
        let board = BOARDS[0];
        format!(
            "board = {:?}\nmodel = {:?}\nchannel = \"stable\"\nrepository = \"http://127.0.0.1:8000/\"\nstate = {:?}\n\
             [slots]\ncapacity = 33_554_432\n[device]\nserial = {SERIAL:?}\n[card]\nfolder = {:?}\nkeep_free = 0\n{}",
            board.name,
            board.model,
            self.home.path().join("state"),
            self.card(),
            self.settings,
        )
    }
}

/// A file of the tests' own.
pub fn client_script(name: &str) -> PathBuf {
    checkout().join("tests/tests/e2e/clients").join(name)
}
