//! The printer under emulation: the image's own files, with state, card and configuration in folders of the probe.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use toml::Table;

use super::process::{Running, Said, run};

/// The serial number of every printer here: the name in its certificate and its topics.
pub(super) const SERIAL: &str = "01S00A000000001";
/// Longer than any one thing takes, even emulated on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) const BINARY: &str = "usr/sbin/printerd";
pub(super) const CONFIG: &str = "etc/printerd/config.toml";

/// A printer with a state of its own, which nothing else has touched.
pub(super) struct Printer {
    emulator: Utf8PathBuf,
    root: Utf8PathBuf,
    home: Utf8PathBuf,
    service: Option<Running>,
}

impl Printer {
    /// A printer that runs the image unpacked at `root`; `settings` are added to the image's configuration.
    pub(super) fn new(
        emulator: &Utf8Path,
        root: &Utf8Path,
        home: Utf8PathBuf,
        settings: &str,
    ) -> Result<Self> {
        for folder in ["state", "card"] {
            let folder = home.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder}"))?;
        }
        let printer = Self {
            emulator: emulator.to_owned(),
            root: root.to_owned(),
            home,
            service: None,
        };
        let config = printer.configuration(settings)?;
        fs::write(printer.config(), config).context("cannot write the printer's configuration")?;
        Ok(printer)
    }

    /// What the image says, with the folders of the probe, a serial number, and the settings.
    fn configuration(&self, settings: &str) -> Result<String> {
        let path = self.root.join(CONFIG);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let mut table: Table = text.parse().context("the image's configuration")?;
        let own = format!(
            "state = {:?}\n[device]\nserial = {SERIAL:?}\n[card]\nfolder = {:?}\nkeep_free = 0\n",
            self.state(),
            self.card()
        );
        table.extend(own.parse::<Table>()?);
        table.extend(settings.parse::<Table>().context("the settings")?);
        Ok(table.to_string())
    }

    /// The folder for everything that outlives a release.
    pub(super) fn state(&self) -> Utf8PathBuf {
        self.home.join("state")
    }

    /// The card's folder.
    pub(super) fn card(&self) -> Utf8PathBuf {
        self.home.join("card")
    }

    fn config(&self) -> Utf8PathBuf {
        self.home.join("config.toml")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.emulator);
        command
            .arg(self.root.join(BINARY))
            .arg("--config")
            .arg(self.config())
            .arg("--root")
            .arg(&self.root)
            .args(words)
            .env("PRINTERD_LOG", "info");
        command
    }

    /// Runs a command of the printer's own to its end.
    pub(super) fn run(&self, words: &[&str]) -> Result<Said> {
        run(self.command(words), PATIENCE)
    }

    /// Runs one that must succeed, and gives its report.
    pub(super) fn report(&self, words: &[&str]) -> Result<Value> {
        let said = self.run(&[words, &["--json"]].concat())?;
        let words = words.join(" ");
        ensure!(said.code == Some(0), "`printerd {words}` failed: {said}");
        serde_json::from_str(&said.out)
            .with_context(|| format!("`printerd {words}` printed no JSON: {said}"))
    }

    /// Starts the service and waits until it says that it is ready.
    pub(super) fn start(&mut self) -> Result<()> {
        ensure!(self.serves()?, "the service ended before it was ready");
        Ok(())
    }

    /// Starts the service: whether it comes to serve, or ends before.
    pub(super) fn serves(&mut self) -> Result<bool> {
        let mut service = Running::start(self.command(&["run"]))?;
        if service.wait_for(PATIENCE, |line| line.contains("in service"))? {
            self.service = Some(service);
            return Ok(true);
        }
        let said = service.finish(PATIENCE)?;
        ensure!(
            said.code.is_some(),
            "the service was ended by a signal: {said}"
        );
        Ok(false)
    }
}
