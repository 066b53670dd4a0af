//! An emulated printer: the cross-compiled `printerd` with a running image, a configuration and two slots of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::firmware::{Firmware, firmware};
use crate::fixture::{BoardUnderTest, Fixture};
use crate::process::{Output, run, run_ok};
use crate::workshop::scratch;

/// Far longer than any command of a printer takes, even emulated on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// When the fixtures' images were built.
pub const BUILT: &str = "2025-12-01T00:00:00Z";

/// A printer with folders of its own, which go with it.
#[derive(Debug)]
pub struct Printer {
    firmware: Firmware,
    home: tempfile::TempDir,
    /// The root of the running image.
    root: PathBuf,
    /// What its configuration says.
    pub settings: Settings,
}

/// The part of the configuration that tests change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Board and model.
    pub board: BoardUnderTest,
    /// Base URL of the repository.
    pub repository: String,
    /// An authority to trust besides the public ones.
    pub extra_ca: Option<PathBuf>,
    /// Bytes of a slot.
    pub capacity: u64,
    /// Failures in a row before it gives up.
    pub attempts: u32,
    /// The longest wait that a server may ask for.
    pub longest_retry_after: Duration,
    /// TOML behind all others: tables of the service.
    pub more: String,
}

impl Printer {
    /// A printer as it leaves the factory: version 1.0.0, counter 5, and this trust anchor.
    pub fn new(board: BoardUnderTest, repository: &str, anchor: &[u8]) -> Self {
        let home = scratch();
        let root = home.path().join("factory");
        let share = root.join("usr/share/printerd");
        fs::create_dir_all(&share).expect("making the root");
        fs::write(
            share.join("release.json"),
            release_file(board, "1.0.0", 5, BUILT),
        )
        .expect("writing");
        fs::write(share.join("root.json"), anchor).expect("writing the trust anchor");
        Self {
            firmware: firmware(board),
            home,
            root,
            settings: Settings::of(board, repository),
        }
    }

    /// A printer that trusts the fixtures' root.
    pub fn of_fixtures(board: BoardUnderTest, repository: &str) -> Self {
        Self::new(board, repository, &Fixture::anchor())
    }

    /// A printer as it leaves the factory with this image, a tar, in it; what runs is the image's own `printerd`.
    pub fn of_image(
        firmware: Firmware,
        board: BoardUnderTest,
        repository: &str,
        image: &Path,
    ) -> Self {
        let home = scratch();
        let root = home.path().join("factory");
        unpack(image, &root);
        Self {
            firmware,
            home,
            root,
            settings: Settings::of(board, repository),
        }
    }

    /// Has it run this version with this counter, built at this time.
    pub fn running(self, version: &str, counter: u64, built: &str) -> Self {
        let release = release_file(self.settings.board, version, counter, built);
        fs::write(self.root.join("usr/share/printerd/release.json"), release).expect("writing");
        self
    }

    /// The folder for everything that outlives a release.
    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// The root of the running image.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `printerd --json …` under the emulator, with the configuration as it now is.
    pub fn command(&self, words: &[&str]) -> Command {
        let config = self.home.path().join("config.toml");
        fs::write(&config, self.settings.toml(&self.state())).expect("writing the configuration");
        let mut command = self.firmware.command(&self.root);
        command
            .arg("--json")
            .arg("--config")
            .arg(config)
            .arg("--root")
            .arg(&self.root)
            .args(words);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        run(&mut self.command(words), LIMIT)
    }

    /// Runs a command that must succeed, and gives its report.
    #[track_caller]
    pub fn report(&self, words: &[&str]) -> Value {
        self.run(words)
            .expect_success(&format!("printerd {}", words.join(" ")))
            .json()
    }

    /// Runs a command that must fail, and gives its exit code and all that its error says.
    #[track_caller]
    pub fn failure(&self, words: &[&str]) -> (i64, String) {
        let output = self.run(words);
        assert!(
            !output.succeeded(),
            "printerd {} succeeded: {output}",
            words.join(" ")
        );
        let error = &output.json()["error"];
        let message = error["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no message: {output}"));
        (
            error["code"].as_i64().unwrap_or_default(),
            message.to_owned(),
        )
    }

    /// `printerd update status`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.report(&["update", "status"])
    }

    /// Reboots: plays the boot loader, and runs what it chose from then on. Gives its report.
    #[track_caller]
    pub fn reboot(&mut self) -> Value {
        let report = self.report(&["simulate-boot"]);
        let image = PathBuf::from(report["image"].as_str().expect("a path"));
        self.root = self.home.path().join("factory");
        if image.with_extension("blessing.json").is_file() {
            self.root = self.home.path().join(image.file_stem().expect("a slot"));
            unpack(&image, &self.root);
        }
        report
    }

    /// The bytes of the slot that does not run, as far as it was ever written.
    pub fn inactive_slot(&self) -> Vec<u8> {
        let running = self.status()["slot"].clone();
        let inactive = if running == "a" { "b" } else { "a" };
        fs::read(self.state().join(format!("slots/{inactive}.img"))).unwrap_or_default()
    }

    /// Fails unless it runs its version and will boot nothing else: no slot blessed, no trial.
    #[track_caller]
    pub fn assert_untouched(&self, what: &str) {
        let status = self.status();
        assert_eq!(status["running"], "1.0.0", "{what}: {status}");
        assert_eq!(status["counter"], 5, "{what}: {status}");
        assert_eq!(status["trial"], Value::Null, "{what}: {status}");
        let blessings: Vec<_> = ["a", "b"]
            .map(|slot| self.state().join(format!("slots/{slot}.blessing.json")))
            .into_iter()
            .filter(|blessing| blessing.exists())
            .collect();
        assert!(
            blessings.is_empty(),
            "{what}: a slot was blessed: {blessings:?}"
        );
    }
}

impl Settings {
    fn of(board: BoardUnderTest, repository: &str) -> Self {
        Self {
            board,
            repository: repository.to_owned(),
            extra_ca: None,
            capacity: 32 << 20,
            attempts: 4,
            longest_retry_after: Duration::from_secs(600),
            more: String::new(),
        }
    }

    fn toml(&self, state: &Path) -> String {
        let ca = self
            .extra_ca
            .as_ref()
            .map(|path| format!("extra_ca = {path:?}\n"))
            .unwrap_or_default();
        format!(
            "board = {:?}\nmodel = {:?}\nchannel = \"stable\"\nrepository = {:?}\nstate = {state:?}\n\
             [slots]\ncapacity = {}\ntrial_attempts = 2\n\
             [network]\n{ca}attempts = {}\nfirst_wait_ms = 1\nlongest_wait_ms = 20\nlongest_retry_after_s = {}\n{}",
            self.board.name,
            self.board.model,
            self.repository,
            self.capacity,
            self.attempts,
            self.longest_retry_after.as_secs(),
            self.more,
        )
    }
}

/// Unpacks an image, a tar, in place of what was there.
fn unpack(image: &Path, root: &Path) {
    let _ = fs::remove_dir_all(root);
    fs::create_dir_all(root).expect("making the root");
    let mut tar = Command::new("tar");
    run_ok(tar.arg("-xf").arg(image).arg("-C").arg(root), LIMIT);
}

/// The file by which an image says which release it is.
pub fn release_file(board: BoardUnderTest, version: &str, counter: u64, built: &str) -> Vec<u8> {
    let release = json!({
        "format": 1,
        "board": board.name,
        "models": [board.model],
        "version": version,
        "counter": counter,
        "built": built,
    });
    serde_json::to_vec(&release).expect("JSON")
}
