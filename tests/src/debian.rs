//! Programs of Debian's: unpacked beside the tests with what they need, and never installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use crate::process::{run, run_ok};
use crate::workshop::{on_path, once};

const FETCH: Duration = Duration::from_secs(180);

/// A program, and where its libraries are if they were unpacked with it.
#[derive(Debug, Clone)]
pub struct Tool {
    program: PathBuf,
    unpacked: Option<PathBuf>,
}

impl Tool {
    /// The program from `PATH`, else from its Debian package. `Err` says why it cannot be had.
    pub fn find(name: &str, package: &str) -> Result<Self, String> {
        if let Some(program) = on_path(name) {
            return Ok(Self {
                program,
                unpacked: None,
            });
        }
        let folder = debian_package(package)?;
        let program = ["usr/bin", "usr/sbin"]
            .iter()
            .map(|place| folder.join(place).join(name))
            .find(|path| path.is_file())
            .ok_or(format!("Debian's {package} has no {name}"))?;
        Ok(Self {
            program,
            unpacked: Some(folder),
        })
    }

    /// The program of this file, with the libraries that were unpacked into that folder.
    pub fn at(program: PathBuf, unpacked: Option<PathBuf>) -> Self {
        Self { program, unpacked }
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Whatever of the package lies at this place, if the program came unpacked.
    pub fn unpacked(&self, place: &str) -> Option<PathBuf> {
        self.unpacked.as_ref().map(|folder| folder.join(place))
    }

    /// A command of it, with its libraries.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(folder) = &self.unpacked {
            command.env("LD_LIBRARY_PATH", libraries(folder));
        }
        command
    }
}

/// A package of Debian's with all that it needs and this machine lacks; the folder it is unpacked into.
pub fn debian_package(name: &str) -> Result<PathBuf, String> {
    let (Some(apt), Some(dpkg)) = (on_path("apt-get"), on_path("dpkg")) else {
        return Err(format!(
            "no {name} here, and no apt-get and dpkg to get it with"
        ));
    };
    once(name, "Debian's packages", |folder| {
        let mut download = Command::new(&apt);
        download
            .arg("download")
            .args(missing(&apt, name)?)
            .current_dir(folder);
        let fetched = run(&mut download, FETCH);
        if !fetched.succeeded() {
            return Err(format!(
                "no {name} here, and Debian's package cannot be fetched: {fetched}"
            ));
        }
        for package in packages_in(folder) {
            run_ok(
                Command::new(&dpkg).arg("-x").arg(package).arg(folder),
                FETCH,
            );
        }
        Ok(())
    })
}

/// The names of the packages that installing `name` would bring.
fn missing(apt: &Path, name: &str) -> Result<Vec<String>, String> {
    let mut plan = Command::new(apt);
    plan.args([
        "install",
        "--print-uris",
        "-qq",
        "--no-install-recommends",
        "--reinstall",
        name,
    ]);
    let plan = run(&mut plan, FETCH);
    if !plan.succeeded() {
        return Err(format!("no {name} here, and Debian offers none: {plan}"));
    }
    // 'http://…/nmap_7.93_amd64.deb' nmap_7.93_amd64.deb 1897372 SHA256:…
    let files = plan
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').nth(1));
    Ok(files
        .filter_map(|file| file.split_once('_'))
        .map(|(package, _)| package.to_owned())
        .collect())
}

fn packages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("reading a folder of ours")
        .flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect()
}

/// Where Debian puts libraries, those that alternatives would link to among them.
fn libraries(folder: &Path) -> String {
    let triple = format!("{}-linux-gnu", env::consts::ARCH);
    [
        format!("usr/lib/{triple}"),
        format!("lib/{triple}"),
        format!("usr/lib/{triple}/blas"),
        format!("usr/lib/{triple}/pulseaudio"),
    ]
    .map(|place| folder.join(place).display().to_string())
    .join(":")
}
