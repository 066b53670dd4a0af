//! How things stand, for the operator: versions in the field, who is behind, what the rules do and will do, how far
//! releases are rolled out, and when signatures expire. Counts of printers, and of no printer anything.

mod field;
mod fleet;
mod history;
mod kind;
mod page;
mod plot;
mod rule;

use jiff::Timestamp;
use serde::Serialize;

pub use field::{Field, Fields};
pub use fleet::{Fleet, Rollout, VersionCount};
pub use history::{History, Series};
pub use page::{STYLE, page};
pub use rule::{Hit, RuleEffect};

use crate::metadata::{Alarm, Freshness, InForce, Status};
use kind::kinds;

/// How things stand at one moment.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// The moment.
    pub as_of: Timestamp,
    /// How the rules stand.
    pub status: Status,
    /// What is wrong with their freshness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// The revision of the rules in force.
    pub revision: Option<u64>,
    /// Until when each signature holds.
    pub metadata: Vec<Freshness>,
    /// What the census counts; `None` while it cannot be read, and then every count is 0.
    pub census: Option<Census>,
    /// What each rule does or will do, the next deadline first.
    pub rules: Vec<RuleEffect>,
    /// Printers by channel and model, and how far the newest release is rolled out to them.
    pub fleets: Vec<Fleet>,
    /// Versions over time.
    pub history: History,
}

/// The whole of the census.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Census {
    /// When it was counted.
    pub counted: Timestamp,
    /// Printers that were seen not long ago.
    pub in_use: u64,
    /// Printers that were not.
    pub silent: u64,
}

/// How the rules stand, and what is in force.
#[derive(Debug)]
pub struct Standings<'a> {
    /// How they stand.
    pub status: Status,
    /// What is wrong, if something is.
    pub alarm: Option<Alarm>,
    /// The verified rules and releases.
    pub in_force: Option<&'a InForce>,
}

impl Overview {
    /// Puts together what is in force and what was counted.
    pub fn new(standings: Standings<'_>, field: Option<&Field>, now: Timestamp) -> Self {
        let in_force = standings.in_force;
        let kinds = field
            .map(|field| kinds(&field.groups, now))
            .unwrap_or_default();
        Self {
            as_of: now,
            status: standings.status,
            alarm: standings.alarm,
            revision: in_force.map(InForce::revision),
            metadata: in_force
                .map(|in_force| in_force.roles().to_vec())
                .unwrap_or_default(),
            census: field.map(|field| Census {
                counted: field.counted,
                in_use: kinds.iter().map(|kind| kind.in_use).sum(),
                silent: kinds.iter().map(|kind| kind.silent).sum(),
            }),
            rules: in_force
                .map(|in_force| rule::effects(in_force, &kinds, now))
                .unwrap_or_default(),
            fleets: fleet::fleets(in_force, &kinds, now),
            history: field
                .map(|field| history::of(&field.history))
                .unwrap_or_default(),
        }
    }
}
