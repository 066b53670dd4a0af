//! mosquitto as the cloud's broker: over TLS, with passwords, and with a store that outlives it.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::Signal;

use crate::debian::Tool;
use crate::network::Network;
use crate::process::{Process, run_ok};
use crate::skip::note;
use crate::tls::Certificates;

/// Where it listens, in the network of its test.
pub const PORT: u16 = 8884;
/// Who may log in to it beside the printer, whose name is its serial number.
pub const CLOUD: &str = "cloud";
/// Everybody's password.
pub const PASSWORD: &str = "not a secret";

const LIMIT: Duration = Duration::from_secs(60);

/// A broker that can be stopped and started.
#[derive(Debug)]
pub struct Broker {
    tool: Tool,
    network: Rc<Network>,
    folder: tempfile::TempDir,
    running: Option<Process>,
}

impl Broker {
    /// A broker with this certificate, started. `Err` says why there is none here.
    pub fn start(network: &Rc<Network>, tls: &Certificates, printer: &str) -> Result<Self, String> {
        let tool = Tool::find("mosquitto", "mosquitto")?;
        let passwords = Tool::find("mosquitto_passwd", "mosquitto")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("passwords");
        fs::write(&file, format!("{CLOUD}:{PASSWORD}\n{printer}:{PASSWORD}\n")).expect("writing");
        run_ok(passwords.command().arg("-U").arg(&file), LIMIT);
        fs::write(
            folder.path().join("mosquitto.conf"),
            config(folder.path(), tls),
        )
        .expect("writing");
        let mut broker = Self {
            tool,
            network: Rc::clone(network),
            folder,
            running: None,
        };
        broker.restart();
        Ok(broker)
    }

    /// Starts it again, with what its store holds.
    pub fn restart(&mut self) {
        let mut command = self.tool.command();
        command
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"));
        let mut running = Process::spawn(&mut self.network.inside(&command));
        let ready = running.wait_for_line(LIMIT, |line| line.contains(" running"));
        assert!(
            ready.is_some(),
            "mosquitto did not start: {}",
            running.finish(LIMIT)
        );
        self.running = Some(running);
    }

    /// What it said so far, if it runs; it does not run any more then.
    fn last_words(&mut self) -> String {
        let running = self.running.take();
        running.map_or(String::new(), |running| running.kill().to_string())
    }

    /// Stops it as the system does: it keeps its store.
    pub fn stop(&mut self) {
        let running = self.running.take().expect("a broker that runs");
        running.signal(Signal::TERM);
        running.finish(LIMIT);
    }
}

/// A failed test shows what the broker said.
impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            note(&format!("the broker: {}", self.last_words()));
        }
    }
}

fn config(folder: &Path, tls: &Certificates) -> String {
    // Started by root, it would become somebody else, who cannot read the certificates.
    format!(
        "user root\nper_listener_settings false\nallow_anonymous false\npassword_file {folder}/passwords\n\
         persistence true\npersistence_location {folder}/\nmax_queued_messages 0\nlog_dest stderr\nlog_type all\n\
         listener {PORT} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
        tls.certificate.display(),
        tls.key.display(),
        folder = folder.display(),
    )
}
