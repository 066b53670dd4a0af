//! A printer on this machine: `printerd` built for the host, with a home of its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use firstlayer_tests::{fixture::Fixture, printer::release_file};
use serde_json::Value;

use crate::{
    program::build,
    writing::{BOARD, VERSION},
};

/// When the running release was built: before all others.
const BUILT: &str = "2025-12-01T00:00:00Z";

/// Runs version 1.0.0, and has two empty slots.
pub(crate) struct Printer {
    binary: PathBuf,
    home: PathBuf,
}

impl Printer {
    /// Builds `printerd`, if need be, and puts a printer into an empty folder.
    pub(crate) fn new(home: &Path, repository: &str, capacity: u64) -> anyhow::Result<Self> {
        let share = home.join("image/usr/share/printerd");
        let etc = home.join("image/etc/printerd");
        let config = configuration(&home.join("state"), repository, capacity);
        let write = || -> io::Result<()> {
            fs::create_dir_all(&share)?;
            fs::create_dir_all(&etc)?;
            fs::write(
                share.join("release.json"),
                release_file(BOARD, "1.0.0", 1, BUILT),
            )?;
            fs::write(share.join("root.json"), Fixture::anchor())?;
            fs::write(etc.join("config.toml"), config)
        };
        write().context("making a printer")?;
        Ok(Self {
            binary: build("printerd")?,
            home: home.to_owned(),
        })
    }

    /// `printerd update …`.
    pub(crate) fn update(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(["--json", "--root"])
            .arg(self.home.join("image"));
        command.arg("update").args(words);
        command
    }

    /// Makes it forget all that it did.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(self.state()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context("emptying a printer")
            }
            _ => Ok(()),
        }
    }

    /// An install that did nothing would be fast.
    pub(crate) fn check_installed(&self, image: u64) -> anyhow::Result<()> {
        let slot = self.state().join("slots/b.img");
        let length = fs::metadata(&slot).context("looking at the slot")?.len();
        ensure!(length == image, "{length} bytes of {image} are in the slot");
        let blessing = fs::read(self.state().join("slots/b.blessing.json"));
        let blessing: Value =
            serde_json::from_slice(&blessing.context("the slot is not blessed")?)?;
        let version = blessing.get("version").and_then(Value::as_str);
        ensure!(version == Some(VERSION), "blessed is {blessing}");
        Ok(())
    }

    fn state(&self) -> PathBuf {
        self.home.join("state")
    }
}

fn configuration(state: &Path, repository: &str, capacity: u64) -> String {
    format!(
        "board = {:?}\nmodel = {:?}\nchannel = \"stable\"\nrepository = {repository:?}\nstate = {state:?}\n\
         [slots]\ncapacity = {capacity}\n",
        BOARD.name, BOARD.model
    )
}
