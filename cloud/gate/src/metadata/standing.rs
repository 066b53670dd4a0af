//! What is in force at this moment, for every request; and the alarm, if there is one.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use serde::Serialize;

use super::InForce;

/// Something is wrong with the rules' freshness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Since when.
    pub since: Timestamp,
    /// What, with every cause.
    pub why: String,
}

/// How the rules stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// None were verified yet.
    Starting,
    /// The last good ones are in force, and there is an alarm.
    Degraded,
    /// Fresh.
    Ok,
}

/// What is in force, swapped at once.
#[derive(Debug, Default)]
pub struct Standing {
    in_force: ArcSwapOption<InForce>,
    alarm: ArcSwapOption<Alarm>,
}

impl Standing {
    /// The rules; none until some were verified.
    pub fn in_force(&self) -> Option<Arc<InForce>> {
        self.in_force.load_full()
    }

    /// The alarm, if there is one: the refresh fails, or what is in force has expired.
    pub fn alarm(&self, now: Timestamp) -> Option<Alarm> {
        let failing = self.alarm.load_full().map(|alarm| (*alarm).clone());
        failing.or_else(|| {
            let expires = self.in_force()?.expires();
            (expires <= now).then(|| Alarm {
                since: expires,
                why: "the rules in force have expired".to_owned(),
            })
        })
    }

    /// How they stand, and the alarm, if there is one.
    pub fn status(&self, now: Timestamp) -> (Status, Option<Alarm>) {
        let alarm = self.alarm(now);
        let status = match (self.in_force().is_some(), &alarm) {
            (false, _) => Status::Starting,
            (true, Some(_)) => Status::Degraded,
            (true, None) => Status::Ok,
        };
        (status, alarm)
    }

    pub(super) fn take(&self, in_force: InForce) {
        self.in_force.store(Some(Arc::new(in_force)));
    }

    pub(super) fn all_is_well(&self) {
        self.alarm.store(None);
    }

    /// The first failure says since when.
    pub(super) fn raise(&self, now: Timestamp, why: String) {
        let since = self.alarm.load().as_ref().map_or(now, |alarm| alarm.since);
        self.alarm.store(Some(Arc::new(Alarm { since, why })));
    }
}
