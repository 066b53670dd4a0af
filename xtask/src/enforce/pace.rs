//! How fast printers update, as far as one census shows it.
//!
//! The model: of the printers in use that lack a release, the same share updates each week. So from the share that is still
//! behind the lowest release that satisfies a rule, and that release's age, follows the weekly share: behind = (1 -
//! weekly) ^ weeks. The age counts from the release's first offer, which makes the share smaller than it is. Printers that
//! are not in use do not update at all, and a release younger than a week shows nothing. New printers that left the factory
//! with the release count as updated, which makes the share larger than it is: one census cannot tell them apart.

use std::collections::BTreeMap;

use firstlayer_bundle::{Board, Model};
use firstlayer_policy::{Channel, ChannelManifest, Release};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::census::{Calendar, Cohort};

const WEEK: f64 = 7.0 * 86_400.0;
const MILLION: f64 = 1_000_000.0;

/// How fast the printers of a model on a channel come to a minimum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// The channel.
    pub channel: Channel,
    /// The model.
    pub model: Model,
    /// The minimum.
    pub minimum: Version,
    /// When the release that satisfies it was first offered.
    pub offered: Timestamp,
    /// Printers in use.
    pub in_use: u64,
    /// Those of them that have it.
    pub updated: u64,
    /// Of a million printers that are behind, how many update a week.
    pub weekly_per_million: u32,
}

impl Pace {
    /// Measures it.
    pub(crate) fn measure(
        cohorts: &[Cohort<'_>],
        release: &Release,
        (channel, model, minimum): (&Channel, &Model, &Version),
        calendar: Calendar,
        now: Timestamp,
    ) -> Self {
        let (mut in_use, mut updated) = (0, 0);
        for cohort in cohorts
            .iter()
            .filter(|cohort| (cohort.channel, cohort.model) == (channel, model))
        {
            let printers = cohort.in_use(calendar);
            in_use += printers;
            if cohort.version >= minimum {
                updated += printers;
            }
        }
        let offered = release
            .waves
            .first()
            .map_or(release.built, |wave| wave.starts);
        Self {
            channel: channel.clone(),
            model: model.clone(),
            minimum: minimum.clone(),
            offered,
            in_use,
            updated,
            weekly_per_million: weekly(in_use, updated, weeks(offered, now)),
        }
    }

    /// The share of printers in use that are still behind after that time.
    pub(crate) fn still_behind(&self, now: Timestamp, then: Timestamp) -> f64 {
        let stay = 1.0 - f64::from(self.weekly_per_million) / MILLION;
        stay.powf(weeks(now, then).max(0.0))
    }
}

/// The releases that bring printers of a model on a channel to a minimum: for each board the lowest on offer that is not
/// below it. The lowest of all comes first.
pub(crate) fn satisfying<'a>(
    manifest: &'a ChannelManifest,
    model: &Model,
    minimum: &Version,
) -> Vec<&'a Release> {
    let mut lowest: BTreeMap<&Board, &Release> = BTreeMap::new();
    for release in manifest.releases().iter().filter(|release| {
        release.yanked.is_none() && release.models.contains(model) && release.version >= *minimum
    }) {
        let kept = lowest.entry(&release.board).or_insert(release);
        if release.version < kept.version {
            *kept = release;
        }
    }
    let mut releases: Vec<&Release> = lowest.into_values().collect();
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    releases
}

fn weeks(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / WEEK
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts of printers, and a share from 0 to a million"
)]
fn weekly(in_use: u64, updated: u64, weeks: f64) -> u32 {
    if weeks < 1.0 || in_use == 0 {
        return 0;
    }
    let behind = (in_use - updated.min(in_use)) as f64 / in_use as f64;
    let share = 1.0 - behind.powf(weeks.recip());
    (share * MILLION).clamp(0.0, MILLION) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weekly_share_gives_back_what_it_was_measured_from() {
        // Half of those behind each week: after three weeks an eighth.
        assert_eq!(weekly(800, 700, 3.0), 500_000);
        assert_eq!(weekly(100, 0, 10.0), 0);
        assert_eq!(weekly(100, 100, 10.0), 1_000_000);
    }

    #[test]
    fn what_shows_nothing_rescues_nobody() {
        assert_eq!(weekly(0, 0, 10.0), 0);
        assert_eq!(weekly(100, 90, 0.9), 0, "younger than a week");
        assert_eq!(weekly(100, 90, -3.0), 0, "not offered yet");
    }
}
