//! The printer's state, and what each command does to it. It waits for nothing: what takes time is spawned, and its
//! end comes back as an [`Ended`].

mod duties;
mod preparation;

use std::{sync::Arc, time::Duration};

use firstlayer_card::{Card, CardPath};
use firstlayer_machine::{Machine, Pause, Plate, Refused, Stage};
use semver::Version;
use serde_json::{Map, Value, json};
use tokio::{sync::watch, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    handle::Origin,
    job::{Job, Order, Preparing, open},
    limits,
    outbox::{Caller, Outcome},
    rules::{self, Asked},
    services::{
        Download, DownloadFailure, Downloads, Host, LanSwitch, Offer, UpdateFailure, Updates,
    },
    upgrade::{Question, Upgrade},
};
use crate::protocol::{
    CardFile, Command, Decision, ErrorCode, Facts, FourPart, JobSource, Nozzle, PrinterState,
    ProjectFile, Refusal, Spool, Wanted,
};

/// What a printer is made of.
pub struct Parts {
    /// The machine that prints.
    pub machine: Box<dyn Machine>,
    /// The card.
    pub card: Card,
    /// Brings files.
    pub downloads: Arc<dyn Downloads>,
    /// Drives the update agent.
    pub updates: Arc<dyn Updates>,
    /// Turns LAN mode on and off.
    pub lan: Arc<dyn LanSwitch>,
    /// The computer.
    pub host: Arc<dyn Host>,
    /// What the printer says of itself.
    pub about: About,
}

/// What the printer says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its serial number.
    pub serial: String,
    /// Its model.
    pub model: String,
    /// Its board.
    pub board: String,
    /// The version that runs.
    pub version: Version,
    /// Whether it restarts by itself into an update that a client asked for.
    pub restart_after_update: bool,
}

/// What was spawned has ended.
pub(super) enum Ended {
    /// A job's file was checked.
    Opened(u64, Box<Result<Plate, Refusal>>),
    /// A job's file was brought.
    Fetched(u64, Result<CardPath, DownloadFailure>),
    /// The repository answered.
    Checked(Result<Offer, UpdateFailure>),
    /// An installation ended.
    Installed(Result<(), UpdateFailure>),
    /// LAN mode was switched, as this caller asked; or a sentence says why not.
    Switched(Caller, Result<(), String>),
}

/// What a command came to, for now.
pub(super) enum Reply {
    /// It is done.
    Done(Map<String, Value>),
    /// A full report is wanted.
    Report,
    /// The answer follows.
    Later,
}

/// Answers that became due.
pub(super) type Answers = Vec<(Caller, Outcome)>;

pub(super) struct State {
    parts: Parts,
    tasks: JoinSet<Ended>,
    jobs: u64,
    job: Option<Job>,
    preparing: Option<Preparing>,
    trouble: Option<Trouble>,
    spool: Spool,
    nozzle: Nozzle,
    decision: Option<Decision>,
    upgrade: Upgrade,
    wifi_signal: Option<i16>,
    restart_at: Option<Instant>,
    /// Answers that became due while something else was asked for.
    unsent: Answers,
    next_check: Instant,
}

/// What went wrong outside of the machine.
struct Trouble {
    code: ErrorCode,
    reason: String,
    /// Whether it ended a job that was taken on.
    of_job: bool,
}

impl State {
    pub(super) fn new(parts: Parts, now: Instant) -> Self {
        Self {
            wifi_signal: parts.host.wifi_signal(),
            parts,
            tasks: JoinSet::new(),
            jobs: 0,
            job: None,
            preparing: None,
            trouble: None,
            spool: Spool::default(),
            nozzle: Nozzle::default(),
            decision: None,
            upgrade: Upgrade::default(),
            restart_at: None,
            unsent: Answers::new(),
            next_check: now + limits::FIRST_CHECK,
        }
    }

    /// Obeys a command, or says why not.
    pub(super) fn obey(
        &mut self,
        command: Command,
        caller: &Caller,
        asked: Asked,
    ) -> Result<Reply, Refusal> {
        rules::check(&command, asked, self.decision.as_ref())?;
        let from_cloud = asked.origin == Origin::Cloud;
        match command {
            Command::Push => return Ok(Reply::Report),
            Command::Version => return Ok(Reply::Done(self.modules())),
            Command::Project(project) => return self.project(*project, from_cloud, caller),
            Command::File(source) => return self.prepare(Order::file(source, from_cloud), caller),
            Command::FirmwareHistory => return self.firmware_history(caller),
            Command::Upgrade(wanted) => return self.upgrade(wanted, caller),
            Command::Gcode(gcode) => self
                .machine()
                .run_line(gcode.as_str())
                .map_err(Refusal::new)?,
            Command::Pause => self.of_print(|machine| machine.pause())?,
            Command::Resume => self.of_print(|machine| machine.resume())?,
            Command::Stop => return self.stop().map(|()| done()),
            Command::Speed(level) => self.machine().set_speed_level(level),
            Command::Skip(objects) if objects.is_empty() => {}
            Command::Skip(_) => return Err(cannot_skip()),
            Command::ClearError => self.clear_error(),
            Command::Spool(spool) => self.spool = spool,
            Command::Light(light) => self.machine().set_light(light),
            Command::Nozzle(nozzle) => self.nozzle = nozzle,
            Command::Reboot => self.restart()?,
            Command::LanMode(on) => return Ok(self.switch_lan(on, caller)),
            // There is one module, and it agrees with itself.
            Command::Consistency => {}
            Command::Decide(decision) => self.decide(Some(decision)),
        }
        Ok(done())
    }

    pub(super) fn decide(&mut self, decision: Option<Decision>) {
        self.decision = decision;
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, elapsed: Duration, now: Instant) {
        self.machine().advance(elapsed);
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            if let Err(reason) = self.parts.host.reboot() {
                tracing::error!(reason, "the printer could not be restarted");
            }
        }
        if self.next_check <= now {
            self.next_check = now + limits::CHECK_EVERY;
            if let Ok(true) = self.upgrade.keep(None) {
                self.check_updates();
            }
        }
    }

    /// What changes slowly is looked at.
    pub(super) fn look_around(&mut self) {
        self.wifi_signal = self.parts.host.wifi_signal();
        self.upgrade.status = self.parts.updates.status();
    }

    /// What was spawned ends; never, if nothing was.
    pub(super) async fn next_ended(&mut self) -> Option<Ended> {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => Some(ended),
            Some(Err(error)) => {
                tracing::error!(%error, "a task of the printer failed");
                None
            }
            None => std::future::pending().await,
        }
    }

    /// Goes on with what has ended.
    pub(super) fn ended(&mut self, ended: Option<Ended>, now: Instant) -> Answers {
        match ended {
            Some(Ended::Opened(number, plate)) if self.is_preparing(number) => self.opened(*plate),
            Some(Ended::Fetched(number, file)) if self.is_preparing(number) => self.fetched(file),
            // Of a job that was stopped meanwhile.
            Some(Ended::Opened(..) | Ended::Fetched(..)) => Answers::new(),
            Some(Ended::Checked(offer)) => self.checked(offer, now),
            Some(Ended::Installed(outcome)) => {
                let restart = outcome.is_ok() && self.parts.about.restart_after_update;
                self.upgrade.installed(outcome);
                if restart {
                    self.restart_at = Some(now + limits::RESTART_DELAY);
                }
                Answers::new()
            }
            Some(Ended::Switched(caller, outcome)) => {
                let outcome = outcome.map(|()| Map::new()).map_err(Refusal::new);
                vec![(caller, outcome)]
            }
            None => self.lost(now),
        }
    }

    /// Ends everything that was spawned.
    pub(super) async fn shut_down(&mut self) {
        if let Some(preparing) = &self.preparing {
            preparing.stop.cancel();
        }
        self.tasks.shutdown().await;
    }

    /// Answers to others that became due by what was just obeyed.
    pub(super) fn unsent(&mut self) -> Answers {
        std::mem::take(&mut self.unsent)
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let prepared = match &self.preparing {
            Some(preparing) => *preparing.progress.borrow(),
            None => 100,
        };
        Facts {
            reading: self.parts.machine.reading(),
            state: self.state(),
            job: self.job.as_ref().map(|job| job.facts(prepared.min(100))),
            error: self.error(),
            spool: &self.spool,
            nozzle: self.nozzle,
            wifi_signal: self.wifi_signal,
            lan_mode: self.parts.lan.is_on(),
            decision: self.decision.as_ref(),
            version: &self.parts.about.version,
            upgrade: self.upgrade.facts(),
        }
    }

    pub(super) fn update_status(&self) -> (&super::services::UpdateStatus, &str) {
        (&self.upgrade.status, self.upgrade.message())
    }

    fn machine(&mut self) -> &mut dyn Machine {
        self.parts.machine.as_mut()
    }

    fn state(&self) -> PrinterState {
        match (&self.preparing, &self.trouble) {
            (Some(_), _) => PrinterState::Prepare,
            (None, Some(trouble)) if trouble.of_job => PrinterState::Failed,
            _ => (&self.parts.machine.reading().stage).into(),
        }
    }

    fn error(&self) -> Option<(ErrorCode, String)> {
        if let Some(trouble) = &self.trouble {
            return Some((trouble.code, trouble.reason.clone()));
        }
        match &self.parts.machine.reading().stage {
            Stage::Failed(fault) | Stage::Paused(Pause::Fault(fault)) => {
                Some((fault.into(), fault.to_string()))
            }
            _ => None,
        }
    }

    fn has_job(&self) -> bool {
        self.preparing.is_some() || self.parts.machine.reading().stage.has_job()
    }

    fn check_no_job(&self) -> Result<(), Refusal> {
        if !self.has_job() {
            return Ok(());
        }
        let name = self.job.as_ref().map_or("", |job| job.name.as_str());
        Err(Refusal::new(format!("a job is under way: {name}")))
    }
}

fn done() -> Reply {
    Reply::Done(Map::new())
}

fn cannot_skip() -> Refusal {
    Refusal::new("this printer cannot leave objects of a plate out")
}
