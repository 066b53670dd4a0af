//! The update commands, driven by clients and by the cloud: the same code as the command line's, on a thread that may
//! block.
//!
//! Whoever asks and whatever they name, only what the signed metadata offers and the rules allow is installed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use firstlayer_agent::{CheckReport, Progress, ProgressEvent, Silent, State};
use semver::Version;

use crate::{
    place::Place,
    printer::{Offer, Offered, Pending, UpdateFailure, UpdatePhase, UpdateStatus, Updates},
    update::{self, Command, Report, Request, Source},
};

/// Longer than the short commands of the command line take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Drives the update agent of one printer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UpdateHost {
    place: Place,
    status: Arc<Mutex<UpdateStatus>>,
}

impl UpdateHost {
    /// Begins with how the update stands. What cannot be told is logged: it keeps nobody from printing.
    pub fn new(place: Place) -> Self {
        let host = Self {
            place,
            status: Arc::default(),
        };
        host.settle();
        host
    }

    /// Whether a release runs that has to prove itself.
    pub fn on_trial(&self) -> bool {
        self.status().phase == UpdatePhase::Trial
    }

    /// Says that the release on trial works.
    pub fn confirm(&self) -> anyhow::Result<()> {
        let confirmed = self.run(Command::Confirm, &mut Silent);
        self.settle();
        confirmed.map(drop)
    }

    fn run(&self, command: Command, progress: &mut dyn Progress) -> anyhow::Result<Report> {
        let request = Request {
            command,
            place: self.place.clone(),
            quiet: true,
            patience: PATIENCE,
        };
        update::run_with(&request, progress)
    }

    /// Takes over what the agent's own record says.
    fn settle(&self) {
        match self.run(Command::Status, &mut Silent) {
            Ok(Report::Status(standing)) => {
                *self.status() = UpdateStatus {
                    phase: phase(standing.status.state),
                    percent: 0,
                    message: standing.status.problems.join("; "),
                };
            }
            Ok(_) => {}
            Err(error) => {
                let message = format!("{error:#}");
                tracing::warn!(error = message, "how the update stands cannot be told");
                self.status().message = message;
            }
        }
    }

    fn begin(&self, phase: UpdatePhase) {
        *self.status() = UpdateStatus {
            phase,
            ..UpdateStatus::default()
        };
    }

    /// Ends what was begun: the record says where it stands, and a failure why it did not go on.
    fn end<T>(&self, ended: anyhow::Result<T>) -> Result<T, UpdateFailure> {
        self.settle();
        ended.map_err(|error| {
            let failure = UpdateFailure(format!("{error:#}"));
            tracing::warn!(error = failure.0, "an update command failed");
            self.status().message.clone_from(&failure.0);
            failure
        })
    }

    fn status(&self) -> MutexGuard<'_, UpdateStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Updates for UpdateHost {
    fn check(&self) -> Pending<Result<Offer, UpdateFailure>> {
        self.begin(UpdatePhase::Checking);
        let host = self.clone();
        blocking(move || {
            let checked = host.run(Command::Check(Source::Repository), &mut Silent);
            match host.end(checked)? {
                Report::Check(report) => Ok(offer(report)),
                other => Err(unexpected(&other)),
            }
        })
    }

    fn install(&self, version: Version) -> Pending<Result<(), UpdateFailure>> {
        self.begin(UpdatePhase::Installing);
        let host = self.clone();
        blocking(move || {
            let install = Command::Install {
                source: Source::Repository,
                version: Some(version),
                reboot: false,
            };
            let mut percent = Percent(Arc::clone(&host.status));
            let installed = host.run(install, &mut percent);
            host.end(installed).map(drop)
        })
    }

    fn status(&self) -> UpdateStatus {
        Self::status(self).clone()
    }
}

/// Shows how far an installation is.
struct Percent(Arc<Mutex<UpdateStatus>>);

impl Progress for Percent {
    fn event(&mut self, event: &ProgressEvent<'_>) {
        let (ProgressEvent::Reused { bytes, total } | ProgressEvent::Written { bytes, total }) =
            event
        else {
            return;
        };
        let percent = bytes.saturating_mul(100).checked_div(*total).unwrap_or(0);
        let mut status = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        status.percent = u8::try_from(percent.min(100)).unwrap_or(100);
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpdateFailure> + Send + 'static,
) -> Pending<Result<T, UpdateFailure>> {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(UpdateFailure(error.to_string())))
    })
}

fn unexpected(report: &Report) -> UpdateFailure {
    UpdateFailure(format!("a check ended with {report:?}"))
}

fn phase(state: State) -> UpdatePhase {
    match state {
        State::Idle | State::Confirmed | State::RolledBack => UpdatePhase::Idle,
        State::Checking => UpdatePhase::Checking,
        State::Downloading | State::Installing => UpdatePhase::Installing,
        State::PendingReboot => UpdatePhase::AwaitsReboot,
        State::Trial => UpdatePhase::Trial,
    }
}

/// Every release for this printer, newest first, with what speaks against it.
fn offer(report: CheckReport) -> Offer {
    let releases = report.on_request.into_iter().map(|release| Offered {
        version: release.version,
        description: String::new(),
        against: release.against,
    });
    Offer {
        newest: report.release.map(|release| release.version),
        releases: releases.collect(),
    }
}
