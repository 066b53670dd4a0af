//! Where the tests work: the checkout, its commands, and a folder for what is made once and kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::run;

/// A small test of the workspace's: building one beside a program has cargo count the features that tests ask for.
const SMALL_TEST: &str = "documents";
const BUILD: Duration = Duration::from_secs(1200);

/// The checkout's root.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the checkout")
}

/// A folder in `.firstlayer/tests/` that stays between runs: environments of foreign clients, build results.
pub fn kept(name: &str) -> PathBuf {
    let folder = checkout().join(".firstlayer/tests").join(name);
    fs::create_dir_all(&folder).expect("making a folder in .firstlayer/tests");
    folder
}

/// A temporary folder in memory where the machine has one: printers sync a lot, and no test is about this disk's speed.
pub fn scratch() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary folder")
}

/// `cargo xtask …`, in the checkout, as a maintainer runs it.
pub fn xtask<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = cargo();
    command.arg("xtask").args(arguments);
    command
}

/// The cargo that runs these tests.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout());
    command
}

/// A program of the project's, built for this machine: with the features that all its crates' tests have together, or else
/// most dependencies would be compiled anew beside `cargo test --workspace`.
pub fn built(program: &str) -> PathBuf {
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--workspace"]);
    build.args(["--bin", program, "--test", SMALL_TEST]);
    build.args(["--message-format", "json-render-diagnostics"]);
    let output = run(&mut build, BUILD).expect_success(&format!("cargo build --bin {program}"));
    let messages = output
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = messages
        .filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .find(|path| path.file_name() == Some(OsStr::new(program)));
    program.expect("cargo names the program")
}

/// The first file of that name on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Does something once for all test processes and all runs: `make` fills the folder `name` of `.firstlayer/tests/`
/// unless an earlier run with the same `recipe` succeeded in that.
pub fn once(
    name: &str,
    recipe: &str,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let folder = kept(name);
    let lock = File::create(folder.join(".lock")).expect("making a lock file");
    lock.lock().expect("locking");
    let done = folder.join(".done");
    if fs::read_to_string(&done).is_ok_and(|made| made == recipe) {
        return Ok(folder);
    }
    make(&folder)?;
    fs::write(&done, recipe).expect("marking a folder as made");
    Ok(folder)
}
