//! The cross-compiled `printerd` of each board, and the emulator that runs it here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::debian::debian_package;
use crate::fixture::BoardUnderTest;
use crate::process::run;
use crate::workshop::{checkout, on_path, xtask};

/// A first build fetches a compiler and builds the standard library twice.
const BUILD: Duration = Duration::from_secs(3600);

/// A board's binary, and what runs it.
#[derive(Debug, Clone)]
pub struct Firmware {
    /// `printerd` for the board.
    pub binary: PathBuf,
    /// QEMU's user emulator for the board.
    pub emulator: PathBuf,
}

/// The firmware of a board, built once a process by `cargo xtask build`.
pub fn firmware(board: BoardUnderTest) -> Firmware {
    let binaries = build()["binaries"].as_array().expect("a list of binaries");
    let of_board = binaries
        .iter()
        .find(|binary| binary["board"]["name"] == board.name);
    let of_board =
        of_board.unwrap_or_else(|| panic!("`cargo xtask build` knows no {}", board.name));
    Firmware {
        binary: of_board["path"].as_str().expect("a path").into(),
        emulator: emulator(board).unwrap_or_else(|reason| panic!("{reason}")),
    }
}

fn build() -> &'static Value {
    static BUILD_REPORT: OnceLock<Value> = OnceLock::new();
    BUILD_REPORT.get_or_init(|| {
        run(&mut xtask(["build", "--json"]), BUILD)
            .expect_success("cargo xtask build")
            .json()
    })
}

/// From `PATH`, from where `cargo xtask` keeps its tools, or from Debian.
fn emulator(board: BoardUnderTest) -> Result<PathBuf, String> {
    let machine = if board.name.ends_with("armv7") {
        "arm"
    } else {
        "aarch64"
    };
    let name = format!("qemu-{machine}-static");
    let in_folder =
        |folder: &Path| Some(folder.join("usr/bin").join(&name)).filter(|path| path.is_file());
    let toolchain = checkout().join(".firstlayer/toolchain/qemu-user-static");
    match on_path(&name).or_else(|| in_folder(&toolchain)) {
        Some(found) => Ok(found),
        None => in_folder(&debian_package("qemu-user-static")?)
            .ok_or(format!("Debian's package has no {name}")),
    }
}

impl Firmware {
    /// `printerd` under its emulator: the one of the running image, if it holds one.
    pub fn command(&self, root: &Path) -> Command {
        let own = Some(root.join("usr/sbin/printerd")).filter(|path| path.is_file());
        let mut command = Command::new(&self.emulator);
        command.arg(own.as_ref().unwrap_or(&self.binary));
        command
    }
}
