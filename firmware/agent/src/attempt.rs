//! One attempt at an update: ask, choose, write, bless. What the outcome means for the printer is the agent's.

use firstlayer_bundle::{Identity, Limits, Manifest, Payload, Sha256};
use firstlayer_policy::{Printer, Release};
use semver::Version;

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
const NOT_ONLY_ROOT: &str = "it does not hold exactly the payload `root`";

impl Agent<'_> {
    pub(crate) fn survey(
        &mut self,
        version: Option<&Version>,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
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
            waiting: self.waiting().cloned(),
        };
        let answer = survey.ask(fetch, progress, &self.printer(version))?;
        self.record.time_has_passed(answer.latest_time);
        self.record.last_check = Some(now);
        if !answer.waiting_stands {
            self.withdraw()?;
        }
        Ok((answer.report, answer.offer))
    }

    /// The release that waits for its reboot, if one does.
    pub(crate) fn waiting(&self) -> Option<&Target> {
        let target = self.record.target.as_ref();
        target.filter(|_| self.record.state == State::PendingReboot)
    }

    /// Takes back what waits for its reboot, if anything does; it is not held against it. The boot loader hears of it
    /// first: after a crash in between, the release waits again, and is taken back by the next check.
    pub(crate) fn withdraw(&mut self) -> Result<(), AgentError> {
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
        version: Option<&Version>,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<Installed, AgentError> {
        let mut changed: Option<Sha256> = None;
        loop {
            let (check, offer) = self.survey(version, fetch, progress)?;
            let waiting = self.waiting().map(|target| target.bundle);
            let lacking = offer.filter(|offer| waiting != Some(offer.release.bundle.sha256));
            let Some(offer) = lacking else {
                self.step(Event::NothingToDo, |record| record.problem = None)?;
                let waiting = self.waiting().map(|target| target.version.clone());
                let installed =
                    waiting.filter(|waiting| version.is_none_or(|asked| asked == waiting));
                return Ok(Installed { check, installed });
            };
            self.withdraw()?;
            match self.install_release(&offer, version.is_some(), fetch, progress) {
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
        asked: bool,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<(), AgentError> {
        self.step(Event::Choose, |record| record.aim_at(&offer.release, asked))?;
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
        let payload = self.payload_for_slot(&manifest, &offer.release)?;
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
            // It is the only one.
            index: 0,
            image: image.as_ref(),
            progress,
        };
        install.run(&mut || self.step(Event::Write, |_| {}))
    }

    /// The bundle must be the release that the channel names, for this printer, and fit: its only payload.
    fn payload_for_slot<'m>(
        &self,
        manifest: &'m Manifest,
        release: &Release,
    ) -> Result<&'m Payload, AgentError> {
        let misfit = |what| AgentError::Hardware {
            version: release.version.clone(),
            what,
        };
        self.identify(manifest.identity(), release)
            .map_err(misfit)?;
        let [payload] = manifest.payloads() else {
            return Err(misfit(NOT_ONLY_ROOT));
        };
        if payload.name.as_str() != ROOT {
            return Err(misfit(NOT_ONLY_ROOT));
        }
        let capacity = self
            .machine
            .slots
            .capacity()
            .map_err(AgentError::storage("measure the inactive slot"))?;
        if payload.length > capacity {
            return Err(AgentError::TooLarge {
                version: release.version.clone(),
                length: payload.length,
                capacity,
            });
        }
        Ok(payload)
    }

    /// What does not fit, if anything.
    fn identify(&self, identity: &Identity, release: &Release) -> Result<(), &'static str> {
        if identity.board != self.setup.board {
            return Err("it runs on another board");
        }
        if !identity.models.contains(&self.setup.model) {
            return Err("it does not serve this model");
        }
        if identity.version != release.version || identity.counter != release.counter {
            return Err("it holds another release than the channel says");
        }
        Ok(())
    }

    fn printer(&self, version: Option<&Version>) -> Printer {
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
            wishes: self.wishes(version),
            serial: self.setup.serial.clone(),
            now: self.now(),
        }
    }
}

impl Record {
    /// Makes this release the target; failures with the same bundle keep counting.
    fn aim_at(&mut self, release: &Release, asked: bool) {
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
            asked,
        });
    }
}
