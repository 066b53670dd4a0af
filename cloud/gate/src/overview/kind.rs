//! Printers that the rules cannot tell apart: of one model and version on one channel.

use firstlayer_bundle::Model;
use firstlayer_census::{Day, Groups};
use firstlayer_policy::{Channel, Facts, Report};
use jiff::{SignedDuration, Timestamp};
use semver::Version;

/// A printer that was not seen for so many days is not in use, as for `cargo xtask enforce plan`.
const SILENT_AFTER: i64 = 30;

/// Printers of one model and version on one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    pub(super) model: &'a Model,
    pub(super) version: &'a Version,
    pub(super) channel: &'a Channel,
    /// How many were seen not long ago.
    pub(super) in_use: u64,
    /// How many were not.
    pub(super) silent: u64,
}

impl<'a> Kind<'a> {
    /// What the policy asks of them. The census does not keep their boards.
    pub(super) fn facts(&self) -> Facts<'a> {
        Facts {
            channel: self.channel,
            model: self.model,
            board: None,
            version: self.version,
            report: Report::Claimed,
        }
    }
}

/// The printers of a census by kind. Groups come ordered, so those of a kind follow each other.
pub(super) fn kinds(groups: &Groups, now: Timestamp) -> Vec<Kind<'_>> {
    let oldest = now.checked_sub(SignedDuration::from_hours(24 * SILENT_AFTER));
    let oldest = Day::of(oldest.unwrap_or(now));
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for (key, count) in groups.iter() {
        let (in_use, silent) = match key.last_seen >= oldest {
            true => (count, 0),
            false => (0, count),
        };
        let same = kinds.last_mut().filter(|kind| {
            (kind.model, kind.version, kind.channel) == (key.model, key.version, key.channel)
        });
        match same {
            Some(kind) => {
                kind.in_use = kind.in_use.saturating_add(in_use);
                kind.silent = kind.silent.saturating_add(silent);
            }
            None => kinds.push(Kind {
                model: key.model,
                version: key.version,
                channel: key.channel,
                in_use,
                silent,
            }),
        }
    }
    kinds
}
