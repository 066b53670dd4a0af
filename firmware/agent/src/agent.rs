//! The agent: what the commands do, step by step through the table of states.
//!
//! Each step changes a copy of the record and commits it; only then it counts. Steps that touch both the record
//! and the boot loader are ordered so that a crash between the two is noticed, and finished, at the next start.

use firstlayer_bundle::{Board, Model};
use firstlayer_policy::{Channel, RunningRelease};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use crate::{
    AgentError, BootRecord, CheckReport, Clock, Event, Fetch, MetadataFolder, Problem, Progress,
    Reboot, Record, RetryPolicy, Slots, State, Store, next,
};

/// How often an image is written again that did not read back right, before its bundle is blamed.
const MOST_FAILURES: u8 = 3;

/// What the agent knows of its printer.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The board.
    pub board: Board,
    /// The model.
    pub model: Model,
    /// The serial number, if it has one yet.
    pub serial: Option<String>,
    /// The channel that it follows.
    pub channel: Channel,
    /// What the running image says of itself.
    pub running: RunningRelease,
    /// The root metadata that came with the running image.
    pub trust_anchor: Vec<u8>,
    /// Whether development keys are refused: in every build for real printers.
    pub refuse_development: bool,
    /// Where trusted metadata is kept.
    pub metadata: MetadataFolder,
    /// How patient it is with the network.
    pub retry: RetryPolicy,
    /// Boots that a new release has to confirm itself.
    pub trial_attempts: u8,
}

/// What the agent works with.
pub struct Machine<'a> {
    /// Where images go.
    pub slots: &'a mut dyn Slots,
    /// Where the record is kept.
    pub store: &'a mut dyn Store,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The way to another boot.
    pub reboot: &'a mut dyn Reboot,
}

/// The update agent. One at a time: whoever makes one holds the printer's update lock.
pub struct Agent<'a> {
    pub(crate) setup: Setup,
    pub(crate) machine: Machine<'a>,
    pub(crate) record: Record,
}

/// What an install did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// What the repository offered.
    pub check: CheckReport,
    /// The version that the next boot tries; `None` if there was nothing to install.
    pub installed: Option<Version>,
}

impl<'a> Agent<'a> {
    /// Reads the record, and touches nothing: enough for [`Agent::status`]. A damaged record is begun anew; the
    /// running release's counter still holds.
    pub fn open(setup: Setup, machine: Machine<'a>) -> Result<Self, AgentError> {
        let record = match machine.store.load() {
            Ok(record) => record.unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Record::begun_anew(machine.clock.now())
            }
            Err(source) => {
                return Err(AgentError::Storage {
                    what: "read the update record",
                    source,
                });
            }
        };
        Ok(Self {
            setup,
            machine,
            record,
        })
    }

    /// Notices what happened since the last command (a boot, a fall back, a power cut) and finishes it.
    pub fn settle(&mut self) -> Result<(), AgentError> {
        let boot = self.boot()?;
        match self.observed(&boot) {
            Some(Event::FallBack) => self.step(Event::FallBack, |record| {
                record.refuse_target("it did not confirm itself after its reboot");
            })?,
            Some(Event::Confirm) => self.become_confirmed()?,
            Some(event) => self.step(event, |_| {})?,
            None => {}
        }
        self.finish_boot_record()
    }

    /// Asks the repository what there is to install.
    pub fn check(
        &mut self,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<CheckReport, AgentError> {
        self.begin()?;
        let checked = self.survey(None, fetch, progress).and_then(|(report, _)| {
            self.step(Event::NothingToDo, |record| record.problem = None)?;
            Ok(report)
        });
        self.or_give_up(checked)
    }

    /// Installs the release that the channel offers, if there is one, for the next boot to try. With a version, that one:
    /// it may be older than what runs, may be skipped or postponed, and has to keep every other rule.
    pub fn install(
        &mut self,
        version: Option<&Version>,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
    ) -> Result<Installed, AgentError> {
        self.begin()?;
        let installed = self.install_offered(version, fetch, progress);
        self.or_give_up(installed)
    }

    /// Says that the release on trial works: it becomes the active one, and the counter rises to its.
    pub fn confirm(&mut self) -> Result<(), AgentError> {
        self.settle()?;
        next(self.record.state, Event::Confirm)?;
        self.machine
            .slots
            .promote()
            .map_err(AgentError::storage("make the running slot the active one"))?;
        self.become_confirmed()
    }

    /// Gives the release up that waits for its reboot or is on trial, and remembers it. True if a reboot is needed.
    pub fn rollback(&mut self) -> Result<bool, AgentError> {
        self.settle()?;
        self.step(Event::Rollback, |record| {
            record.refuse_target("it was rolled back by hand")
        })?;
        self.finish_boot_record()?;
        let boot = self.boot()?;
        Ok(boot.running != boot.active)
    }

    /// Reboots.
    pub fn reboot(&mut self) -> Result<(), AgentError> {
        self.machine
            .reboot
            .reboot()
            .map_err(AgentError::storage("reboot"))
    }

    /// The record as it was last committed.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What the boot loader did, as an event that the record does not know of yet.
    pub(crate) fn observed(&self, boot: &BootRecord) -> Option<Event> {
        let runs_target = self
            .record
            .target
            .as_ref()
            .is_some_and(|target| target.version == self.setup.running.version);
        match self.record.state {
            State::PendingReboot | State::Trial if boot.fell_back() => Some(Event::FallBack),
            State::PendingReboot if boot.running != boot.active && runs_target => {
                Some(Event::BootTarget)
            }
            // A confirmation whose first half was done before a crash.
            State::Trial if boot.running == boot.active && runs_target => Some(Event::Confirm),
            _ => None,
        }
    }

    /// The time by which metadata is judged: the clock's, or a later one that has certainly passed; see [`Clock`].
    pub fn now(&self) -> Timestamp {
        self.machine
            .clock
            .now()
            .max(self.record.latest_time)
            .max(self.setup.running.built)
    }

    pub(crate) fn boot(&self) -> Result<BootRecord, AgentError> {
        self.machine
            .slots
            .boot()
            .map_err(AgentError::storage("read the boot record"))
    }

    fn begin(&mut self) -> Result<(), AgentError> {
        self.settle()?;
        next(self.record.state, Event::Check)?;
        let boot = self.boot()?;
        if boot.running != boot.active {
            return Err(AgentError::RebootFirst);
        }
        self.step(Event::Check, |_| {})
    }

    /// Brings the boot loader's record in line with the agent's: the second half of every step that changes both.
    pub(crate) fn finish_boot_record(&mut self) -> Result<(), AgentError> {
        let boot = self.boot()?;
        match self.record.state {
            State::RolledBack if boot.trial.is_some() => self
                .machine
                .slots
                .disarm()
                .map_err(AgentError::storage("end the trial")),
            State::PendingReboot if boot.trial.is_none() && boot.running == boot.active => {
                self.arm()
            }
            _ => Ok(()),
        }
    }

    fn arm(&mut self) -> Result<(), AgentError> {
        let blessing = self
            .machine
            .slots
            .blessing()
            .map_err(AgentError::storage("read the slot's blessing"))?;
        let target = self.record.target.as_ref().map(|target| target.bundle);
        if blessing.map(|blessing| blessing.bundle) != target {
            return self.step(Event::FallBack, |record| {
                record.refuse_target("its slot lost its blessing")
            });
        }
        self.machine
            .slots
            .arm(self.setup.trial_attempts)
            .map_err(AgentError::storage("tell the boot loader"))
    }

    fn become_confirmed(&mut self) -> Result<(), AgentError> {
        self.step(Event::Confirm, |record| {
            if let Some(target) = &record.target {
                record.counter = record.counter.max(target.counter);
            }
            record.problem = None;
        })
    }

    /// Goes one step through the table, changes what goes with it, and commits both together.
    pub(crate) fn step(
        &mut self,
        event: Event,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), AgentError> {
        let state = next(self.record.state, event)?;
        self.amend(|record| {
            record.state = state;
            change(record);
        })
    }

    /// Changes the record without a step, and commits it.
    pub(crate) fn amend(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), AgentError> {
        let mut record = self.record.clone();
        change(&mut record);
        self.machine
            .store
            .commit(&record)
            .map_err(AgentError::storage("keep the update record"))?;
        self.record = record;
        Ok(())
    }

    /// After a failure: remembers what went wrong, and the bundle if it is to blame. The printer runs on.
    fn or_give_up<T>(&mut self, result: Result<T, AgentError>) -> Result<T, AgentError> {
        let Err(error) = result else { return result };
        let problem = Problem {
            when: self.now(),
            what: sentence(&error),
        };
        let given_up = self.step(Event::Fail, |record| {
            record.blame(&error, &problem.what);
            record.problem = Some(problem);
        });
        if let Err(second) = given_up {
            tracing::warn!(%second, "the failure could not be written down");
        }
        Err(error)
    }
}

impl Record {
    fn blame(&mut self, error: &AgentError, why: &str) {
        if matches!(error, AgentError::ReadBack)
            && let Some(target) = &mut self.target
        {
            target.failures = target.failures.saturating_add(1);
        }
        let too_often = self
            .target
            .as_ref()
            .is_some_and(|target| target.failures >= MOST_FAILURES);
        if error.condemns_target() || too_often {
            self.refuse_target(why);
        }
    }
}

/// The error with its causes, as one sentence.
fn sentence(error: &AgentError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
