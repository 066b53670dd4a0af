//! Adding up, in millionths of a printer: so the order does not matter, and the same census gives the same plan.

use std::collections::BTreeMap;

use super::{Impact, Row, Tally};
use crate::enforce::census::{Cohort, Group};

/// Small enough that rounding each of millions of groups adds up to a few printers.
const MILLION: u64 = 1_000_000;
/// What a census says of a printer's region when it says nothing.
const NOWHERE: &str = "unknown";

/// Half a printer that is lost is a printer that is lost.
fn rounded_up(millionths: u64) -> u64 {
    millionths.div_ceil(MILLION)
}

/// The whole printers of an expected number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number of printers"
)]
pub(super) fn whole(number: f64) -> u64 {
    rounded_up((number * MILLION as f64).round() as u64)
}

/// A share of a group, in millionths of a printer.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a count of printers"
)]
pub(super) fn expected(group: &Group<'_>, share: f64) -> u64 {
    (group.printers as f64 * share * MILLION as f64).round() as u64
}

/// A tally in the making; what is expected, in millionths.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) printers: u64,
    pub(super) in_use: u64,
    pub(super) lost_now: u64,
    pub(super) lost_then: u64,
    pub(super) lost_later: u64,
    pub(super) lost_in_use: u64,
    pub(super) stranded: u64,
    pub(super) spared: u64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.printers += other.printers;
        self.in_use += other.in_use;
        self.lost_now += other.lost_now;
        self.lost_then += other.lost_then;
        self.lost_later += other.lost_later;
        self.lost_in_use += other.lost_in_use;
        self.stranded += other.stranded;
        self.spared += other.spared;
    }

    fn finish(self) -> Tally {
        let lost_then = rounded_up(self.lost_then);
        Tally {
            printers: self.printers,
            in_use: self.in_use,
            lost_now: self.lost_now,
            rescued: self.lost_now.saturating_sub(lost_then),
            lost_then,
            lost_in_use: rounded_up(self.lost_in_use),
            stranded: self.stranded,
            spared: self.spared,
            lost_later: rounded_up(self.lost_later),
        }
    }
}

#[derive(Default)]
pub(super) struct Sums {
    total: Sum,
    models: BTreeMap<String, Sum>,
    channels: BTreeMap<String, Sum>,
    regions: BTreeMap<String, Sum>,
    versions: BTreeMap<(String, semver::Version, String), Sum>,
    last_seen: [Sum; BUCKETS.len()],
    rules: BTreeMap<String, Sum>,
}

/// Last-seen buckets: the most days, and what people call it.
const BUCKETS: [(i64, &str); 4] = [
    (7, "within 7 days"),
    (30, "8 to 30 days ago"),
    (90, "31 to 90 days ago"),
    (i64::MAX, "longer ago"),
];

impl Sums {
    pub(super) fn add(&mut self, cohort: &Cohort<'_>, group: &Group<'_>, sum: &Sum) {
        self.total.add(sum);
        add_to(&mut self.models, cohort.model.as_str(), sum);
        add_to(&mut self.channels, cohort.channel.as_str(), sum);
        let region = group.region.map_or(NOWHERE, |region| region.as_str());
        add_to(&mut self.regions, region, sum);
        let mut buckets = BUCKETS.iter().zip(&mut self.last_seen);
        if let Some((_, kept)) = buckets.find(|((most, _), _)| group.days <= *most) {
            kept.add(sum);
        }
        if sum.lost_now + sum.stranded + sum.spared > 0 {
            let key = (
                cohort.channel.to_string(),
                cohort.version.clone(),
                cohort.model.to_string(),
            );
            self.versions.entry(key).or_default().add(sum);
        }
    }

    /// Counts under a rule.
    pub(super) fn add_rule(&mut self, rule: &str, sum: &Sum) {
        add_to(&mut self.rules, rule, sum);
    }

    pub(super) fn finish(self) -> Impact {
        let names = BUCKETS.iter().map(|(_, name)| (*name).to_owned());
        let versions = self.versions.into_iter();
        Impact {
            total: self.total.finish(),
            models: rows(self.models),
            channels: rows(self.channels),
            regions: rows(self.regions),
            last_seen: rows(names.zip(self.last_seen)),
            versions: rows(versions.map(|((channel, version, model), sum)| {
                (format!("{version} {model} {channel}"), sum)
            })),
            rules: rows(self.rules),
            curve: Vec::new(),
        }
    }
}

fn add_to(sums: &mut BTreeMap<String, Sum>, name: &str, sum: &Sum) {
    match sums.get_mut(name) {
        Some(kept) => kept.add(sum),
        None => drop(sums.insert(name.to_owned(), *sum)),
    }
}

fn rows(sums: impl IntoIterator<Item = (String, Sum)>) -> Vec<Row> {
    let sums = sums.into_iter();
    sums.map(|(name, sum)| Row {
        name,
        tally: sum.finish(),
    })
    .collect()
}
