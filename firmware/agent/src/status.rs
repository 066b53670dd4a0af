//! How the printer stands, and everything that is wrong, found without network and without writing anything.

use firstlayer_bundle::Counter;
use firstlayer_metadata::{Local, Root, TrustedMetadata};
use firstlayer_policy::{Channel, Wishes};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use crate::{Agent, AgentError, Event, RefusedBundle, Slot, State, Target, Trial, next};

/// A printer's report on its updates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Where the update stands, with what the boot loader did taken into account.
    pub state: State,
    /// The version that runs.
    pub running: Version,
    /// The channel that it follows.
    pub channel: Channel,
    /// The slot that runs.
    pub slot: Slot,
    /// The slot that boots when nothing is on trial.
    pub active: Slot,
    /// The trial that the boot loader was told of.
    pub trial: Option<Trial>,
    /// The release that is being installed, on trial, or was last tried.
    pub target: Option<Target>,
    /// The anti-rollback counter: nothing below it is installed.
    pub counter: Counter,
    /// Bundles that are not tried again.
    pub refused: Vec<RefusedBundle>,
    /// What the owner wants.
    pub wishes: Wishes,
    /// When the repository was last verified.
    pub last_check: Option<Timestamp>,
    /// The time by which metadata is judged.
    pub time: Timestamp,
    /// The metadata on the printer.
    pub metadata: Option<StoredMetadata>,
    /// Whether development keys sign what this printer installs.
    pub development_keys: bool,
    /// Everything that is wrong, a sentence each. None of it stops the printer from printing.
    pub problems: Vec<String>,
}

/// The trusted metadata on the printer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredMetadata {
    /// Version of the root.
    pub root: u64,
    /// When the root expires.
    pub root_expires: Timestamp,
    /// When the timestamp expires, if there is one that the root vouches for.
    pub timestamp_expires: Option<Timestamp>,
}

impl Agent<'_> {
    /// Reports. Errors only if the slots cannot be read.
    pub fn status(&self) -> Result<Status, AgentError> {
        let boot = self.boot()?;
        let (metadata, development_keys) = self.stored_metadata();
        let mut status = Status {
            state: self.state_now(self.observed(&boot)),
            running: self.setup.running.version.clone(),
            channel: self.setup.channel.clone(),
            slot: boot.running,
            active: boot.active,
            trial: boot.trial,
            target: self.record.target.clone(),
            counter: self.record.counter.max(self.setup.running.counter),
            refused: self.record.refused.clone(),
            wishes: self.wishes(None),
            last_check: self.record.last_check,
            time: self.now(),
            metadata,
            development_keys,
            problems: Vec::new(),
        };
        status.problems = self.problems(&status);
        Ok(status)
    }

    fn state_now(&self, observed: Option<Event>) -> State {
        let state = self.record.state;
        observed
            .and_then(|event| next(state, event).ok())
            .unwrap_or(state)
    }

    /// The stored root (or the trust anchor) and timestamp; nothing if they are damaged.
    fn stored_metadata(&self) -> (Option<StoredMetadata>, bool) {
        let mut folder = self.setup.metadata.clone();
        let root = folder.load("root.json").ok().flatten();
        let root = root.as_deref().unwrap_or(&self.setup.trust_anchor);
        // Judged by no time at all: what has expired is to be reported, not refused.
        let Ok(mut trusted) = TrustedMetadata::new(root, Timestamp::UNIX_EPOCH) else {
            return (None, false);
        };
        if let Ok(Some(bytes)) = folder.load("timestamp.json") {
            // One that is not to be trusted counts as none.
            let _ = trusted.update_timestamp(bytes);
        }
        let root: &Root = trusted.root();
        let stored = StoredMetadata {
            root: root.version,
            root_expires: root.expires.timestamp(),
            timestamp_expires: trusted
                .timestamp()
                .map(|timestamp| timestamp.expires.timestamp()),
        };
        (Some(stored), root.is_development())
    }

    fn problems(&self, status: &Status) -> Vec<String> {
        let mut problems: Vec<String> = self
            .record
            .problem
            .iter()
            .map(|problem| problem.what.clone())
            .collect();
        let clock = self.machine.clock.now();
        if clock < status.time {
            problems.push(format!(
                "the clock shows {clock}, which is before {}, a time that has certainly passed: metadata is judged by that",
                status.time
            ));
        }
        problems.extend(metadata_problem(status.metadata.as_ref(), status.time));
        if status.slot != status.active && !matches!(status.state, State::Trial) {
            problems.push(format!(
                "slot {} runs, and is not to be used: reboot",
                status.slot
            ));
        }
        if status.development_keys {
            problems.push(
                "development keys sign what this printer installs: it must not leave the workshop"
                    .to_owned(),
            );
        }
        problems
    }
}

fn metadata_problem(metadata: Option<&StoredMetadata>, now: Timestamp) -> Option<String> {
    let Some(stored) = metadata else {
        return Some("the root metadata on the printer is damaged".to_owned());
    };
    let Some(timestamp) = stored.timestamp_expires else {
        return Some(
            "no metadata was fetched yet: the printer does not know what is published".to_owned(),
        );
    };
    let expired = [("root", stored.root_expires), ("timestamp", timestamp)]
        .into_iter()
        .find(|(_, at)| *at <= now);
    expired.map(|(role, at)| format!("the {role} metadata expired at {at}: the printer runs on, and cannot update before it is renewed"))
}
