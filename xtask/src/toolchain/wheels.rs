//! Programs that come as wheels: fetched by the machine's pip, which decides where from; the hash is pinned here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::host::{self, Host};
use super::pins::Pin;
use super::process::Call;
use super::record::{Component, Package};
use super::store::Store;
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};

const ADVICE: &str =
    "check the network, or name a mirror with PIP_INDEX_URL; the next run goes on from here";

/// A Python that has pip, or why there is none.
pub(crate) fn python() -> Result<Utf8PathBuf> {
    ["python3", "python", "/usr/bin/python3"]
        .into_iter()
        .find_map(with_pip)
        .ok_or_else(|| Error::Missing {
            what: "python3 with pip (it fetches ziglang and cargo-zigbuild)".to_owned(),
            next: "install it: on Debian, apt install python3-pip".to_owned(),
        })
}

fn with_pip(name: &str) -> Option<Utf8PathBuf> {
    let python = if name.starts_with('/') {
        Utf8PathBuf::from(name)
    } else {
        host::find(name)?
    };
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "--version"]);
    Call::new("look for pip", command)
        .run()
        .ok()
        .map(|()| python)
}

/// The name of the folder that this pin is kept in: other bytes, other name.
pub(crate) fn folder_name(name: &str, pin: &Pin, host: Host) -> String {
    let digest = pin.wheel(host).sha256.to_string();
    format!(
        "{name}-{}-{}",
        pin.version,
        digest.chars().take(8).collect::<String>()
    )
}

/// The folder with the wheel's files, fetched if it is not there yet. `programs` are made executable.
pub(crate) fn component(
    store: &Store,
    (name, pin): (&str, &Pin),
    programs: &[String],
    progress: &dyn Progress,
) -> Result<Utf8PathBuf> {
    let host = Host::here()?;
    store.component(&folder_name(name, pin, host), |folder| {
        progress.event(Event::Started {
            step: step(name, pin, host),
            total: None,
        });
        let wheel = download(name, pin, host, folder)?;
        unpack(&wheel, folder)?;
        for program in programs {
            let program = folder.join(program);
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
                .map_err(Error::file("make executable", &program))?;
        }
        described(name, pin, host).save(folder)?;
        progress.event(Event::Finished {
            outcome: "done".to_owned(),
        });
        Ok(())
    })
}

fn step(name: &str, pin: &Pin, host: Host) -> String {
    format!(
        "fetch {name} {} ({} MB)",
        pin.version,
        pin.wheel(host).length.div_ceil(1_000_000)
    )
}

fn download(name: &str, pin: &Pin, host: Host, folder: &Utf8Path) -> Result<Utf8PathBuf> {
    let requirements = folder.join("requirements.txt");
    let line = format!(
        "{name}=={} --hash=sha256:{}\n",
        pin.version,
        pin.wheel(host).sha256
    );
    fs::write(&requirements, line).map_err(Error::file("write", &requirements))?;
    let wheels = folder.join("wheels");
    let mut command = Command::new(python()?);
    command.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]);
    command.args([
        "--no-cache-dir",
        "--dest",
        wheels.as_str(),
        "--requirement",
        requirements.as_str(),
    ]);
    // pip unpacks nothing outside the folder, so that an interrupted run leaves nothing in the system's own.
    command.env("TMPDIR", folder);
    Call::new(format!("fetch {name} {}", pin.version), command)
        .advice(ADVICE)
        .run()?;
    let mut entries = wheels
        .read_dir_utf8()
        .map_err(Error::file("list", &wheels))?;
    let wheel = entries
        .next()
        .transpose()
        .map_err(Error::file("list", &wheels))?;
    wheel
        .map(|entry| entry.into_path())
        .ok_or_else(|| Error::Missing {
            what: format!("wheel of {name} in {wheels} though pip reported success"),
            next: "run the command again".to_owned(),
        })
}

/// Python unpacks it: where pip runs, its `zipfile` is never missing.
fn unpack(wheel: &Utf8Path, folder: &Utf8Path) -> Result<()> {
    let mut command = Command::new(python()?);
    command.args(["-m", "zipfile", "-e", wheel.as_str(), folder.as_str()]);
    Call::new(format!("unpack {wheel}"), command).run()?;
    let wheels = folder.join("wheels");
    fs::remove_dir_all(&wheels).map_err(Error::file("remove", &wheels))
}

fn described(name: &str, pin: &Pin, host: Host) -> Component {
    let package = Package {
        name: name.to_owned(),
        version: pin.version.to_string(),
        sha256: Some(pin.wheel(host).sha256),
    };
    Component {
        name: name.to_owned(),
        packages: vec![package],
    }
}
