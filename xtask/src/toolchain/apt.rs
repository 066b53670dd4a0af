//! Debian packages without installing them: apt resolves, fetches and verifies them with state of our own, dpkg opens
//! them, and their files go into a folder. Neither needs root, and neither writes outside the store.
//!
//! Versions are not pinned, because archives serve only the newest security update; what came is recorded with its hash.

use std::fs;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::Sha256;

use super::host::{self, Host};
use super::process::Call;
use super::record::{Component, Package};
use super::store::{self, Store};
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};

/// What the machine itself must bring, because it builds `xtask` with it; apt is told that it is installed.
const FROM_THE_HOST: &str =
    "gcc (= 99), cpp (= 99), libc-dev, libc6-dev (= 99), c-compiler, binutils (= 99), libc6 (= 99)";

const ADVICE: &str = "check the network and apt's sources; the next run goes on from here";

/// What to fetch, and what to make of it.
pub(crate) struct Wanted<'a> {
    /// The component's name, and its folder's.
    pub(crate) name: &'a str,
    /// The packages; apt adds what they depend on.
    pub(crate) packages: &'a [&'a str],
    /// Refuses a plan before anything is fetched, with the reason.
    pub(crate) acceptable: fn(&[Archive]) -> Result<(), String>,
    /// Whether a file of the packages is unpacked, by its path: `usr/bin/cargo`.
    pub(crate) keep: fn(&Utf8Path) -> bool,
}

/// A package that apt would fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Archive {
    pub(crate) package: String,
    pub(crate) version: String,
    architecture: String,
}

impl Archive {
    #[cfg(test)]
    pub(crate) fn of(package: &str, version: &str) -> Self {
        Self {
            package: package.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
        }
    }

    fn file_name(&self) -> String {
        format!(
            "{}_{}_{}.deb",
            self.package,
            self.version.replace(':', "%3a"),
            self.architecture
        )
    }
}

/// Whether the machine has the programs that this module calls.
pub(crate) fn available() -> Result<()> {
    let missing = ["apt-get", "dpkg"]
        .into_iter()
        .find(|program| host::find(program).is_none());
    missing.map_or(Ok(()), |program| {
        Err(Error::Missing {
            what: format!("{program} (it fetches Debian packages without installing them)"),
            next: "use Debian, or a container of it, or put what it would fetch on PATH".to_owned(),
        })
    })
}

/// The unpacked packages' folder, fetched if it is not there yet.
pub(crate) fn component(
    store: &Store,
    wanted: &Wanted<'_>,
    progress: &dyn Progress,
) -> Result<Utf8PathBuf> {
    store.component(wanted.name, |folder| {
        available()?;
        let apt = Apt {
            folder: store.path("apt"),
            host: Host::here()?,
        };
        let packages = apt.fetch(wanted, progress)?;
        progress.event(Event::Started {
            step: format!("unpack {}", wanted.name),
            total: Some(packages.len() as u64),
        });
        unpack(wanted, &packages, folder, progress)?.save(folder)?;
        progress.event(Event::Finished {
            outcome: "done".to_owned(),
        });
        fs::remove_dir_all(&apt.folder).map_err(Error::file("remove", &apt.folder))
    })
}

struct Apt {
    folder: Utf8PathBuf,
    host: Host,
}

impl Apt {
    /// Tries with the machine's package lists; if they are missing or stale, with fresh ones of our own.
    fn fetch(
        &self,
        wanted: &Wanted<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<(Archive, Utf8PathBuf)>> {
        self.configure(Utf8Path::new("/var/lib/apt/lists"))?;
        self.fetch_once(wanted, progress).or_else(|error| {
            progress.event(Event::Note(format!(
                "the machine's package lists do not serve: {error}"
            )));
            self.configure(&self.folder.join("lists"))?;
            self.update(progress)?;
            self.fetch_once(wanted, progress)
        })
    }

    fn configure(&self, lists: &Utf8Path) -> Result<()> {
        for folder in ["lists/partial", "state", "cache/archives/partial"] {
            let folder = self.folder.join(folder);
            fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        }
        store::write(&self.folder.join("status"), status(self.host).as_bytes())?;
        store::write(
            &self.folder.join("apt.conf"),
            configuration(&self.folder, lists).as_bytes(),
        )
    }

    fn update(&self, progress: &dyn Progress) -> Result<()> {
        let step = "fetch Debian's package lists";
        progress.event(Event::Started {
            step: step.to_owned(),
            total: None,
        });
        Call::new(step, self.command(&["update", "--error-on=any"]))
            .advice(ADVICE)
            .run()?;
        progress.event(Event::Finished {
            outcome: "done".to_owned(),
        });
        Ok(())
    }

    fn fetch_once(
        &self,
        wanted: &Wanted<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<(Archive, Utf8PathBuf)>> {
        let archives = self.plan(wanted)?;
        let problem = |problem| Error::Missing {
            what: format!("usable {} among Debian's packages: {problem}", wanted.name),
            next: "use a newer Debian, or let rustup fetch the targets".to_owned(),
        };
        (wanted.acceptable)(&archives).map_err(problem)?;
        let step = format!(
            "fetch {} from Debian ({} packages)",
            wanted.name,
            archives.len()
        );
        progress.event(Event::Started {
            step: step.clone(),
            total: Some(100),
        });
        let mut command = self.command(&["--download-only", "-o", "APT::Status-Fd=1", "install"]);
        command.args(wanted.packages);
        Call::new(step, command).advice(ADVICE).lines(|line| {
            if let Some(done) = percent(line) {
                progress.event(Event::Advanced { done });
            }
        })?;
        progress.event(Event::Finished {
            outcome: "done".to_owned(),
        });
        Ok(self.files(archives))
    }

    fn plan(&self, wanted: &Wanted<'_>) -> Result<Vec<Archive>> {
        let mut command = self.command(&["--simulate", "install"]);
        command.args(wanted.packages);
        let output = Call::new(
            format!("find {} among Debian's packages", wanted.name),
            command,
        )
        .output()?;
        Ok(output.lines().filter_map(planned).collect())
    }

    fn files(&self, archives: Vec<Archive>) -> Vec<(Archive, Utf8PathBuf)> {
        let folder = self.folder.join("cache/archives");
        let mut files: Vec<_> = archives
            .into_iter()
            .map(|archive| (archive.clone(), folder.join(archive.file_name())))
            .collect();
        files.sort_by(|one, other| one.1.cmp(&other.1));
        files
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.env("LC_ALL", "C").args([
            "-c",
            self.folder.join("apt.conf").as_str(),
            "--quiet",
            "--yes",
        ]);
        command.args(arguments);
        command
    }
}

fn unpack(
    wanted: &Wanted<'_>,
    packages: &[(Archive, Utf8PathBuf)],
    folder: &Utf8Path,
    progress: &dyn Progress,
) -> Result<Component> {
    let mut unpacked = Vec::new();
    for (archive, file) in packages {
        extract(file, wanted.keep, folder)?;
        let sha256 = Sha256::of(&fs::read(file).map_err(Error::file("read", file))?);
        let (name, version) = (archive.package.clone(), archive.version.clone());
        unpacked.push(Package {
            name,
            version,
            sha256: Some(sha256),
        });
        progress.event(Event::Advanced {
            done: unpacked.len() as u64,
        });
    }
    Ok(Component {
        name: wanted.name.to_owned(),
        packages: unpacked,
    })
}

/// dpkg decompresses, we pick: half of what the packages hold is of no use here.
fn extract(file: &Utf8Path, keep: fn(&Utf8Path) -> bool, folder: &Utf8Path) -> Result<()> {
    let mut command = Command::new("dpkg");
    command.args(["--fsys-tarfile", file.as_str()]);
    Call::new(format!("unpack {file}"), command).reading(|stdout| {
        let mut archive = tar::Archive::new(stdout);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let kept = Utf8Path::from_path(&entry.path()?)
                .is_some_and(|path| keep(path.strip_prefix("./").unwrap_or(path)));
            if kept && !entry.header().entry_type().is_dir() {
                entry.unpack_in(folder)?;
            }
        }
        // What follows the last entry must be read too, lest dpkg find nobody listening.
        std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map(drop)
    })
}

/// Reads after the machine's own configuration, so that its sources, keys and proxies hold, and its hooks do not.
/// The lock is the folder's own: it makes us wait for an apt that outlived an interrupted run.
fn configuration(folder: &Utf8Path, lists: &Utf8Path) -> String {
    format!(
        "#clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         #clear DPkg::Post-Invoke;\n\
         Dir::State \"{folder}/state\";\n\
         Dir::State::lists \"{lists}\";\n\
         Dir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         DPkg::Lock::Timeout \"600\";\n\
         APT::Install-Recommends \"false\";\n\
         Acquire::Languages \"none\";\n"
    )
}

fn status(host: Host) -> String {
    format!(
        "Package: firstlayer-host\nStatus: install ok installed\nVersion: 1\nArchitecture: {}\n\
         Maintainer: firstlayer\nDescription: what the machine brings\nProvides: {FROM_THE_HOST}\n",
        host.debian()
    )
}

/// `Inst rustc-web (1.96.0+dfsg1-1 Debian:12 [amd64])` of a simulated installation.
fn planned(line: &str) -> Option<Archive> {
    let (package, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
    let (origin, _) = rest.split_once("])")?;
    let (version, _) = origin.split_once(' ')?;
    let (_, architecture) = origin.rsplit_once('[')?;
    Some(Archive {
        package: package.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
    })
}

/// `dlstatus:3:42.7000:Retrieving file 3 of 52` of a download.
fn percent(line: &str) -> Option<u64> {
    let percent = line.strip_prefix("dlstatus:")?.split(':').nth(1)?;
    percent.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_installation_is_read() {
        let archive =
            planned("Inst libllvm22 (1:22.1.8-1~deb12u1 Debian-Security:12/x [amd64]) []").unwrap();
        assert_eq!(
            archive.file_name(),
            "libllvm22_1%3a22.1.8-1~deb12u1_amd64.deb"
        );
        assert_eq!(planned("Conf libllvm22 (1:22 Debian [amd64])"), None);
        assert_eq!(planned("Inst cut off"), None);
    }

    #[test]
    fn percentage_is_read() {
        assert_eq!(
            percent("dlstatus:52:78.9072:Retrieving file 52 of 52"),
            Some(78)
        );
        assert_eq!(percent("Fetched 174 MB in 2s"), None);
    }

    #[test]
    fn configuration_keeps_apt_inside_the_folder_and_off_the_hooks() {
        let text = configuration(Utf8Path::new("/c/apt"), Utf8Path::new("/var/lib/apt/lists"));
        let outside = text
            .lines()
            .filter(|line| line.contains("\"/") && !line.contains("\"/c/apt"));
        assert_eq!(
            outside.collect::<Vec<_>>(),
            ["Dir::State::lists \"/var/lib/apt/lists\";"]
        );
        assert!(text.contains("#clear APT::Update::Post-Invoke;"));
    }
}
