//! Clients of other people, installed from their registries and told to download one target.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Output, run, run_ok};
use crate::workshop::{cargo, checkout, kept, on_path, once};

const INSTALL: Duration = Duration::from_secs(300);
const DOWNLOAD: Duration = Duration::from_secs(120);
/// tough brings a C library of its own: two to three minutes on two cores, once.
const BUILD: Duration = Duration::from_secs(1200);

const PYTHON_PACKAGES: [&str; 3] = ["tuf==7.0.1", "securesystemslib==1.6.0", "urllib3==2.8.0"];
const JAVASCRIPT_PACKAGES: [&str; 1] = ["tuf-js@5.0.1"];

/// What to download, from where, starting from which root.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The file with the trusted root.
    pub root: &'a Path,
    /// Base URL of the repository, with no slash at the end.
    pub repository: &'a str,
    /// Target name.
    pub target: &'a str,
    /// An empty folder for the client's metadata and the downloaded file.
    pub folder: &'a Path,
}

impl Order<'_> {
    /// Where the client is told to put the target.
    pub fn out(&self) -> PathBuf {
        self.folder.join("downloaded")
    }

    fn arguments(&self) -> [String; 5] {
        let text = |path: &Path| path.to_str().expect("a path of ours").to_owned();
        let (metadata, targets) = (
            format!("{}/metadata", self.repository),
            format!("{}/targets", self.repository),
        );
        [
            text(self.root),
            metadata,
            targets,
            self.target.to_owned(),
            text(&self.out()),
        ]
    }
}

/// Downloads with python-tuf; `Err` with the reason if this machine has no Python.
pub fn python_tuf(order: Order<'_>) -> Result<Output, String> {
    let mut client = Command::new(python_with("python-tuf", &PYTHON_PACKAGES)?);
    Ok(run(
        client.arg(script("download.py")).args(order.arguments()),
        DOWNLOAD,
    ))
}

/// A Python with these packages, in an environment `name` of its own; `Err` with the reason if this machine has none.
pub fn python_with(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let python = on_path("python3").ok_or("no python3 on PATH")?;
    let folder = once(name, &format!("{packages:?}"), |folder| {
        let mut make = Command::new(&python);
        run_ok(
            make.args(["-m", "venv", "--clear"])
                .arg(folder.join("venv")),
            INSTALL,
        );
        if !packages.is_empty() {
            let mut pip = Command::new(folder.join("venv/bin/python"));
            run_ok(
                pip.args(["-m", "pip", "install", "--quiet"]).args(packages),
                INSTALL,
            );
        }
        Ok(())
    })?;
    Ok(folder.join("venv/bin/python"))
}

/// Downloads with tuf-js; `Err` with the reason if this machine has no Node.
pub fn tuf_js(order: Order<'_>) -> Result<Output, String> {
    let node = on_path("node").ok_or("no node on PATH")?;
    let npm = on_path("npm").ok_or("no npm on PATH")?;
    let recipe = format!("{JAVASCRIPT_PACKAGES:?}");
    let folder = once("tuf-js", &recipe, |folder| {
        let mut install = Command::new(&npm);
        install
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .args(JAVASCRIPT_PACKAGES);
        run_ok(install.current_dir(folder), INSTALL);
        Ok(())
    })?;
    // Modules are looked up from where the script lies.
    let here = folder.join("download.mjs");
    std::fs::copy(script("download.mjs"), &here).expect("copying the script");
    Ok(run(
        Command::new(node).arg(here).args(order.arguments()),
        DOWNLOAD,
    ))
}

/// Downloads with tough, built from its own small workspace.
pub fn tough(order: Order<'_>) -> Output {
    let target = kept("target");
    let mut build = cargo();
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--manifest-path",
        "tests/interop-tough/Cargo.toml",
        "--target-dir",
    ]);
    run_ok(build.arg(&target), BUILD);
    run(
        Command::new(target.join("debug/interop-tough")).args(order.arguments()),
        DOWNLOAD,
    )
}

fn script(name: &str) -> PathBuf {
    checkout().join("tests/tests/e2e/clients").join(name)
}
