//! One attempt at an update: ask, choose, write, bless. What the outcome means for the printer is the agent's.

use firstlayer_bundle::{Limits, Manifest, PayloadName, Sha256};
use firstlayer_policy::{Printer, Release};

use crate::{
    Agent, AgentError, CheckReport, Event, Fetch, Installed, Progress, Record, State, Target,
    VerifiedImage,
    install::Install,
    offer::{Offer, Survey},
    retry::Retries,
    stream::Bundle,
};

/// The payload that goes into a slot.
const ROOT: &str = "root";

impl Agent<'_> {
    pub(crate) fn survey(
        &mut self,
        fetch: &mut dyn Fetch,
    ) -> Result<(CheckReport, Option<Offer>), AgentError> {
        let now = self.now();
        let survey = Survey {
            channel: &self.setup.channel,
            trust_anchor: &self.setup.trust_anchor,
            refuse_development: self.setup.refuse_development,
            folder: self.setup.metadata.clone(),
            clock: self.machine.clock,
            retry: self.setup.retry,
            now,
            waiting: self.waiting().map(|target| target.bundle),
        };
        let answer = survey.ask(fetch, &self.printer())?;
        self.record.time_has_passed(answer.latest_time);
        self.record.last_check = Some(now);
        if !answer.waiting_stands {
            self.withdraw()?;
        }
        Ok((answer.report, answer.offer))
    }

    /// The release that waits for its reboot, if one does.
    fn waiting(&self) -> Option<&Target> {
        let target = self.record.target.as_ref();
        target.filter(|_| self.record.state == State::PendingReboot)
    }

    /// Takes back what waits for its reboot, if anything does; it is not held against it. The boot loader hears of it
    /// first: after a crash in between, the release waits again, and is taken back by the next check.
    fn withdraw(&mut self) -> Result<(), AgentError> {
        if self.waiting().is_none() {
            return Ok(());
        }
        self.machine
            .slots
            .disarm()
            .map_err(AgentError::storage("tell the boot loader"))?;
        self.step(Event::Withdraw, |record| record.target = None)
    }

    pub(crate) fn install_offered(
        &mut self,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<Installed, AgentError> {
        let mut changed: Option<Sha256> = None;
        loop {
            let (check, offer) = self.survey(fetch)?;
            let waiting = self.waiting().map(|target| target.bundle);
            let lacking = offer.filter(|offer| waiting != Some(offer.release.bundle.sha256));
            let Some(offer) = lacking else {
                self.step(Event::NothingToDo, |record| record.problem = None)?;
                let installed = self.waiting().map(|target| target.version.clone());
                return Ok(Installed { check, installed });
            };
            self.withdraw()?;
            match self.install_release(&offer, fetch, progress) {
                // The file changed under us: the metadata may have, too. Once more, and then at the next install.
                Err(AgentError::Changed { .. }) if changed != Some(offer.release.bundle.sha256) => {
                    changed = Some(offer.release.bundle.sha256);
                    self.step(Event::Check, |_| {})?;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Installed {
                        check,
                        installed: Some(offer.release.version),
                    });
                }
            }
        }
    }

    fn install_release(
        &mut self,
        offer: &Offer,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<(), AgentError> {
        self.step(Event::Choose, |record| record.aim_at(&offer.release))?;
        let image = self.write(offer, fetch, progress)?;
        self.machine
            .slots
            .bless(&image)
            .map_err(AgentError::storage("bless the inactive slot"))?;
        self.step(Event::Bless, |record| record.problem = None)?;
        self.finish_boot_record()
    }

    fn write(
        &mut self,
        offer: &Offer,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<VerifiedImage, AgentError> {
        let retries = Retries::new(self.setup.retry, self.machine.clock);
        let mut bundle = Bundle {
            fetch,
            retries,
            release: &offer.release,
            path: &offer.path,
            validator: None,
        };
        let manifest = bundle.manifest(&Limits::default(), progress)?;
        let index = self.payload_for_slot(&manifest, &offer.release)?;
        let Some(payload) = manifest.payloads().get(index) else {
            return Err(AgentError::ReadBack);
        };
        // Nothing in the slot counts from here on, until it is blessed again.
        self.machine
            .slots
            .invalidate()
            .map_err(AgentError::storage("invalidate the inactive slot"))?;
        let image = self
            .machine
            .slots
            .image()
            .map_err(AgentError::storage("open the inactive slot"))?;
        let install = Install {
            bundle,
            manifest: &manifest,
            payload,
            index,
            image: image.as_ref(),
            progress,
        };
        install.run(&mut || self.step(Event::Write, |_| {}))
    }

    /// The bundle must be the release that the channel names, for this printer, and fit; the place of its payload.
    fn payload_for_slot(
        &self,
        manifest: &Manifest,
        release: &Release,
    ) -> Result<usize, AgentError> {
        let (identity, version) = (manifest.identity(), release.version.clone());
        let misfit = |what| {
            Err(AgentError::Hardware {
                version: release.version.clone(),
                what,
            })
        };
        if identity.board != self.setup.board {
            return misfit("it runs on another board");
        }
        if !identity.models.contains(&self.setup.model) {
            return misfit("it does not serve this model");
        }
        if identity.version != version || identity.counter != release.counter {
            return misfit("it holds another release than the channel says");
        }
        let root = manifest
            .payloads()
            .iter()
            .position(|payload| PayloadName::as_str(&payload.name) == ROOT);
        let (Some(index), 1) = (root, manifest.payloads().len()) else {
            return misfit("it does not hold exactly the payload `root`");
        };
        let length = manifest
            .payloads()
            .get(index)
            .map_or(u64::MAX, |payload| payload.length);
        let capacity = self
            .machine
            .slots
            .capacity()
            .map_err(AgentError::storage("measure the inactive slot"))?;
        if length > capacity {
            return Err(AgentError::TooLarge {
                version,
                length,
                capacity,
            });
        }
        Ok(index)
    }

    fn printer(&self) -> Printer {
        Printer {
            board: self.setup.board.clone(),
            model: self.setup.model.clone(),
            version: self.setup.running.version.clone(),
            counter: self.record.counter.max(self.setup.running.counter),
            refused: self
                .record
                .refused
                .iter()
                .map(|refused| refused.bundle)
                .collect(),
        }
    }
}

impl Record {
    /// Makes this release the target; failures with the same bundle keep counting.
    fn aim_at(&mut self, release: &Release) {
        let bundle = release.bundle.sha256;
        let failures = self
            .target
            .as_ref()
            .filter(|old| old.bundle == bundle)
            .map_or(0, |old| old.failures);
        self.target = Some(Target {
            version: release.version.clone(),
            counter: release.counter,
            bundle,
            failures,
        });
    }
}
