//! From a request to a report: puts the agent together for one command, under the printer's update lock.

use std::{
    io,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use anyhow::Context;
use firstlayer_agent::{
    Agent, AgentError, BootRecord, CheckReport, Fetch, FileSlots, FileStore, FolderFetch,
    Installed, Machine, MetadataFolder, Outcome, Progress, Reboot, Setup, Status, SystemClock,
    play_boot_loader,
};
use firstlayer_policy::Postponement;
use jiff::Timestamp;
use rustix::fs::{Access, access, statvfs};
use semver::Version;
use serde::Serialize;

use crate::{
    config::Config,
    exit::Exit,
    http::HttpFetch,
    lock::UpdateLock,
    place::{Installation, Place},
    progress::Shown,
};

/// One command, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// On which printer.
    pub place: Place,
    /// Whether to show no progress.
    pub quiet: bool,
    /// How long to wait for another command to end.
    pub patience: Duration,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Ask what there is to install.
    Check(Source),
    /// Install it.
    Install {
        /// From where.
        source: Source,
        /// This release in place of the newest.
        version: Option<Version>,
        /// And reboot.
        reboot: bool,
    },
    /// Have a version not offered any more, or every version again.
    Skip(Option<Version>),
    /// Have nothing offered for a time, or no longer so.
    Postpone(Option<Postponement>),
    /// Report.
    Status,
    /// The release on trial works.
    Confirm,
    /// Give the release up.
    Rollback {
        /// And reboot.
        reboot: bool,
    },
    /// Play the boot loader.
    SimulateBoot,
}

/// Where the repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Where the configuration says.
    Repository,
    /// In a folder, or on a stick.
    Folder(PathBuf),
}

/// What was done, or found.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Report {
    /// Of `update check`.
    Check(CheckReport),
    /// Of `update install`.
    Install(Installed),
    /// Of `update skip`.
    Skip {
        /// What is skipped now, oldest wish first.
        skipped: Vec<Version>,
    },
    /// Of `update postpone`.
    Postpone {
        /// When updates are offered again, if they are not now.
        until: Option<Timestamp>,
    },
    /// Of `update status`.
    Status(Box<Standing>),
    /// Of `update confirm`.
    Confirm {
        /// The confirmed version.
        version: Version,
    },
    /// Of `update rollback`.
    Rollback {
        /// Whether the release that was given up still runs.
        reboot_needed: bool,
    },
    /// Of `simulate-boot`.
    SimulateBoot {
        /// What the boot loader left.
        boot: BootRecord,
        /// The image that runs now.
        image: PathBuf,
    },
}

/// The agent's status, and what only this program knows.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The agent's part.
    #[serde(flatten)]
    pub status: Status,
    /// Whether another update command is at work.
    pub busy: bool,
}

/// Another update command holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another update command is at work")]
pub struct Busy;

/// Does what is asked, and shows how far it is.
pub fn run(request: &Request) -> anyhow::Result<Report> {
    run_with(request, &mut Shown::new(request.quiet))
}

/// Does what is asked; `progress` hears how far it is.
pub fn run_with(request: &Request, progress: &mut dyn Progress) -> anyhow::Result<Report> {
    let printer = Installation::load(&request.place)?;
    if request.command == Command::Status {
        return printer.status();
    }
    let _lock = printer.lock(request.patience)?;
    match &request.command {
        Command::Check(source) => printer.with_agent(|agent| {
            let mut fetch = printer.fetch(source, agent.now())?;
            Ok(Report::Check(agent.check(fetch.as_mut(), progress)?))
        }),
        Command::Install {
            source,
            version,
            reboot,
        } => printer.with_agent(|agent| {
            let mut fetch = printer.fetch(source, agent.now())?;
            let installed = agent.install(version.as_ref(), fetch.as_mut(), progress)?;
            if *reboot && installed.installed.is_some() {
                agent.reboot()?;
            }
            Ok(Report::Install(installed))
        }),
        Command::Skip(version) => printer.with_agent(|agent| {
            let skipped = agent.skip(version.as_ref())?.to_vec();
            Ok(Report::Skip { skipped })
        }),
        Command::Postpone(postponement) => printer.with_agent(|agent| {
            let until = agent.postpone(*postponement)?;
            Ok(Report::Postpone { until })
        }),
        Command::Status => printer.status(),
        Command::Confirm => printer.with_agent(|agent| {
            agent.confirm()?;
            Ok(Report::Confirm {
                version: printer.running.version.clone(),
            })
        }),
        Command::Rollback { reboot } => printer.with_agent(|agent| {
            let reboot_needed = agent.rollback()?;
            if *reboot && reboot_needed {
                agent.reboot()?;
            }
            Ok(Report::Rollback { reboot_needed })
        }),
        Command::SimulateBoot => printer.simulate_boot(),
    }
}

impl Report {
    /// The exit code that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Check(check) | Self::Install(Installed { check, .. })
                if [Outcome::NothingFits, Outcome::NotListed].contains(&check.outcome) =>
            {
                Exit::NothingFits
            }
            _ => Exit::Done,
        }
    }
}

impl Installation {
    /// Held until the command ends.
    fn lock(&self, patience: Duration) -> anyhow::Result<UpdateLock> {
        let path = self.lock_path();
        let lock = UpdateLock::take(&path, patience).map_err(|source| AgentError::Storage {
            what: "take its update lock",
            source,
        });
        let lock = lock.with_context(|| format!("locking {}", path.display()))?;
        Ok(lock.ok_or(Busy)?)
    }

    fn lock_path(&self) -> PathBuf {
        self.config.state.join("lock")
    }

    fn fetch(&self, source: &Source, passed: Timestamp) -> anyhow::Result<Box<dyn Fetch>> {
        Ok(match source {
            Source::Folder(folder) => Box::new(FolderFetch::new(folder)),
            Source::Repository => {
                let Config {
                    repository,
                    extra_ca,
                    stall,
                    ..
                } = &self.config;
                Box::new(HttpFetch::new(
                    repository.clone(),
                    extra_ca.as_deref(),
                    *stall,
                    passed,
                )?)
            }
        })
    }

    fn slots(&self) -> FileSlots {
        FileSlots::new(self.config.state.join("slots"), self.config.capacity)
    }

    fn with_agent<T>(
        &self,
        work: impl FnOnce(&mut Agent<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut slots = self.slots();
        let mut store = FileStore::new(self.config.state.join("agent.json"));
        let machine = Machine {
            slots: &mut slots,
            store: &mut store,
            clock: &SystemClock,
            reboot: &mut SystemReboot,
        };
        work(&mut Agent::open(self.setup(), machine)?)
    }

    fn setup(&self) -> Setup {
        Setup {
            board: self.config.board.clone(),
            model: self.config.model.clone(),
            serial: self.config.device.serial.as_ref().map(ToString::to_string),
            channel: self.config.channel.clone(),
            running: self.running.clone(),
            trust_anchor: self.trust_anchor.clone(),
            refuse_development: cfg!(feature = "production"),
            metadata: MetadataFolder::new(self.config.state.join("metadata")),
            retry: self.config.retry,
            trial_attempts: self.config.trial_attempts,
        }
    }

    fn status(&self) -> anyhow::Result<Report> {
        let mut status = self.with_agent(|agent| Ok(agent.status()?))?;
        if let Err(error) = writable(&self.config.state) {
            let state = self.config.state.display();
            status
                .problems
                .push(format!("{state} cannot be written: {error}"));
        }
        let busy = UpdateLock::is_held(&self.lock_path());
        Ok(Report::Status(Box::new(Standing { status, busy })))
    }

    fn simulate_boot(&self) -> anyhow::Result<Report> {
        let mut slots = self.slots();
        let boot = play_boot_loader(&mut slots).context("playing the boot loader")?;
        Ok(Report::SimulateBoot {
            boot,
            image: slots.path(boot.running),
        })
    }
}

/// Whether the record could be kept in this folder, found without writing to it.
fn writable(folder: &Path) -> io::Result<()> {
    // A folder that is not there yet is made in the first one above it that is.
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(folder);
    access(there, Access::WRITE_OK)?;
    if statvfs(there)?.f_bavail == 0 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Restarts the computer by its own command.
pub(crate) struct SystemReboot;

impl Reboot for SystemReboot {
    fn reboot(&mut self) -> io::Result<()> {
        let status = process::Command::new("reboot").status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("`reboot` ended with {status}")))
        }
    }
}
