//! Updates, as clients ask for them: what the channel offers, and one installation at a time. Which image is installed
//! is decided by the agent alone; a client names a version at most.

use semver::Version;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    limits,
    outbox::Caller,
    services::{Offer, UpdateFailure, UpdatePhase, UpdateStatus},
};
use crate::protocol::{FourPart, Refusal, UpgradeFacts, Wanted};

#[derive(Default)]
pub(super) struct Upgrade {
    offer: Offer,
    checked: Option<Instant>,
    checking: bool,
    questions: Vec<Question>,
    installing: Option<Version>,
    installed: Option<Version>,
    failure: Option<String>,
    pub(super) status: UpdateStatus,
}

/// What waits for the repository's answer.
pub(super) enum Question {
    /// Which releases there are.
    History(Caller),
    /// Install this one, or the newest.
    Install(Caller, Option<Wanted>),
}

impl Upgrade {
    /// What the repository offers, if that is fresh enough for a list.
    pub(super) fn fresh_history(&self, now: Instant) -> Option<Map<String, Value>> {
        let fresh = self
            .checked
            .is_some_and(|checked| now.duration_since(checked) < limits::OFFER_FRESH);
        fresh.then(|| self.history())
    }

    /// Keeps a question. True if the repository is to be asked for it.
    pub(super) fn keep(&mut self, question: Option<Question>) -> Result<bool, Refusal> {
        if self.questions.len() >= limits::QUESTIONS {
            return Err(Refusal::new("too many questions about updates are waiting"));
        }
        self.questions.extend(question);
        Ok(!std::mem::replace(&mut self.checking, true))
    }

    /// The repository has answered: gives the questions back, each to be answered.
    pub(super) fn checked(
        &mut self,
        offer: Result<Offer, UpdateFailure>,
        now: Instant,
    ) -> (Vec<Question>, Result<(), Refusal>) {
        self.checking = false;
        let outcome = match offer {
            Ok(offer) => {
                self.offer = offer;
                self.checked = Some(now);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "could not look for updates");
                Err(Refusal::new(format!(
                    "the repository could not be asked: {error}"
                )))
            }
        };
        (std::mem::take(&mut self.questions), outcome)
    }

    /// The releases that may be installed, newest first. No URL: printers and clients do not need one.
    pub(super) fn history(&self) -> Map<String, Value> {
        let allowed = self.offer.releases.iter();
        let allowed = allowed.filter(|release| release.against.is_empty());
        let list: Vec<Value> = allowed
            .map(|release| {
                json!({
                    "firmware": {
                        "version": FourPart(&release.version).to_string(),
                        "semver": release.version.to_string(),
                        "force_update": false,
                        "url": "",
                        "description": release.description,
                    },
                    "ams": [],
                })
            })
            .collect();
        Map::from_iter([("firmware_optional".to_owned(), list.into())])
    }

    /// Chooses what to install, and takes note that it is being installed.
    pub(super) fn begin(
        &mut self,
        wanted: Option<&Wanted>,
        running: &Version,
    ) -> Result<Version, Refusal> {
        self.check_free()?;
        let version = self.choose(wanted, running)?;
        self.failure = None;
        self.installing = Some(version.clone());
        Ok(version)
    }

    pub(super) fn installed(&mut self, outcome: Result<(), UpdateFailure>) {
        let version = self.installing.take();
        match outcome {
            Ok(()) => self.installed = version,
            Err(UpdateFailure(reason)) => {
                tracing::warn!(reason, "the update was not installed");
                self.failure = Some(reason);
            }
        }
    }

    /// Refuses while one is being installed.
    pub(super) fn check_free(&self) -> Result<(), Refusal> {
        match &self.installing {
            Some(version) => Err(Refusal::new(format!("{version} is being installed"))),
            None => Ok(()),
        }
    }

    /// Whether the agent has something to tell.
    pub(super) fn is_at_work(&self) -> bool {
        self.checking || self.installing.is_some()
    }

    pub(super) fn newest(&self) -> Option<&Version> {
        self.offer.newest.as_ref()
    }

    pub(super) fn message(&self) -> &str {
        self.failure.as_deref().unwrap_or(&self.status.message)
    }

    pub(super) fn facts(&self) -> UpgradeFacts<'_> {
        let at_work = self.installing.is_some() || self.status.phase == UpdatePhase::Installing;
        let waits = self.installed.is_some() || self.status.phase == UpdatePhase::AwaitsReboot;
        let failed = self.failure.is_some() && !at_work;
        let (status, percent) = match () {
            () if at_work => ("FLASHING", self.status.percent.min(100)),
            () if failed => ("UPGRADE_FAIL", 0),
            () if waits => ("UPGRADE_SUCCESS", 100),
            () => ("IDLE", 0),
        };
        UpgradeFacts {
            status,
            percent,
            message: self.message(),
            failed,
            newest: self.newest(),
        }
    }

    fn choose(&self, wanted: Option<&Wanted>, running: &Version) -> Result<Version, Refusal> {
        let Some(wanted) = wanted else {
            let newest = self.offer.newest.clone();
            return newest.ok_or_else(|| Refusal::new("the channel offers nothing to install"));
        };
        let releases = &self.offer.releases;
        let Some(version) = wanted.pick(releases.iter().map(|release| &release.version)) else {
            return Err(Refusal::new(match wanted.pick(std::iter::once(running)) {
                Some(running) => format!("{running} runs already"),
                None => format!("the channel offers no {wanted} for this printer"),
            }));
        };
        let against = releases
            .iter()
            .filter(|release| release.version == *version)
            .flat_map(|release| &release.against);
        let against: Vec<&str> = against.map(String::as_str).collect();
        if against.is_empty() {
            Ok(version.clone())
        } else {
            let against = against.join(", ");
            Err(Refusal::new(format!(
                "{version} cannot be installed: {against}"
            )))
        }
    }
}
