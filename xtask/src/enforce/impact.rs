//! Whom a plan hits: lost if it were enforced now, rescued by the date, lost on the day, stranded. By model, channel,
//! region, version, rule and last-seen. Works on each group of the census once.

use std::collections::BTreeMap;

use firstlayer_policy::{Policy, Ruling, Verdict};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use super::census::{Calendar, Cohort, Group};
use super::pace::Pace;

/// The most weeks that the curve shows.
const MOST_WEEKS: u32 = 104;
/// What a census says of a printer's region when it says nothing.
const NOWHERE: &str = "unknown";
/// Expected numbers are kept in thousandths of a printer, so that the same census gives the same plan.
const THOUSANDTHS: f64 = 1000.0;

/// Whom a plan hits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// All printers.
    pub total: Tally,
    /// By model.
    pub models: Vec<Row>,
    /// By channel.
    pub channels: Vec<Row>,
    /// By region.
    pub regions: Vec<Row>,
    /// By when they were last seen.
    pub last_seen: Vec<Row>,
    /// By version; those alone of which any are lost now, stranded or spared.
    pub versions: Vec<Row>,
    /// By rule; a printer that lacks two things is under both.
    pub rules: Vec<Row>,
    /// How many are expected to be refused if it were enforced on that day, week by week to the last date.
    pub curve: Vec<Point>,
}

/// Numbers of printers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All.
    pub printers: u64,
    /// Those in use: seen recently enough.
    pub in_use: u64,
    /// Would be refused if it were enforced now.
    pub lost_now: u64,
    /// Of these, expected to have updated by the date.
    pub rescued: u64,
    /// Of these, expected to be refused on the date.
    pub lost_then: u64,
    /// Of those, in use: what the budget is for.
    pub lost_in_use: u64,
    /// Lack the capability, and no releases lead out.
    pub stranded: u64,
    /// Lack it, and are spared for a time.
    pub spared: u64,
}

/// A tally and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The model, the channel, …
    pub name: String,
    /// Its printers.
    #[serde(flatten)]
    pub tally: Tally,
}

/// A day of the curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The day.
    pub day: Date,
    /// How many would be refused.
    pub lost: u64,
}

/// What is to be counted.
pub(crate) struct Assessment<'a> {
    /// The candidate as if it were in force already.
    pub(crate) enforced: &'a Policy,
    /// The candidate itself, for its dates.
    pub(crate) candidate: &'a Policy,
    pub(crate) paces: &'a [Pace],
    pub(crate) calendar: Calendar,
    pub(crate) now: Timestamp,
}

/// What a rule does to a cohort: the share of those in use that is still behind on the date.
struct Fate {
    verdict: Verdict,
    spared: bool,
    /// The largest share over all rules that refuse it.
    behind: f64,
    /// Each rule's name, verdict and share.
    rules: Vec<(String, Verdict, f64)>,
    /// The pace of the rule that leaves the most behind.
    pace: Option<usize>,
}

impl Assessment<'_> {
    /// Counts.
    pub(crate) fn impact(&self, cohorts: &[Cohort<'_>]) -> Impact {
        let mut sums = Sums::default();
        let mut behind: BTreeMap<Option<usize>, (u64, u64)> = BTreeMap::new();
        for cohort in cohorts {
            let fate = self.fate(cohort);
            for group in &cohort.groups {
                let sum = self.sum(group, &fate);
                sums.add(cohort, group, &sum);
                for (rule, verdict, share) in &fate.rules {
                    let fate = Fate {
                        verdict: *verdict,
                        spared: false,
                        behind: *share,
                        rules: Vec::new(),
                        pace: None,
                    };
                    sums.rules
                        .entry(rule.clone())
                        .or_default()
                        .add(&self.sum(group, &fate));
                }
            }
            if fate.verdict == Verdict::UpdateRequired {
                let (in_use, silent) = behind.entry(fate.pace).or_default();
                let used = cohort.in_use(self.calendar);
                *in_use += used;
                *silent += cohort.printers() - used;
            }
        }
        Impact {
            curve: self.curve(&behind),
            ..sums.finish()
        }
    }

    fn fate(&self, cohort: &Cohort<'_>) -> Fate {
        let ruling: Ruling<'_> = self.enforced.decide(&cohort.facts(), self.now);
        let mut fate = Fate {
            verdict: ruling.verdict,
            spared: ruling.verdict == Verdict::Ok && !ruling.findings.is_empty(),
            behind: 0.0,
            rules: Vec::new(),
            pace: None,
        };
        for finding in &ruling.findings {
            let refused = finding.verdict == Verdict::UpdateRequired;
            let deadline = self.candidate.enforcement().rule(finding.rule);
            let deadline = deadline.map_or(self.now, |enforced| enforced.rule.enforce_from);
            let pace = self.paces.iter().position(|pace| {
                (&pace.channel, &pace.model, &pace.minimum)
                    == (cohort.channel, cohort.model, finding.minimum)
            });
            let known = pace.and_then(|at| self.paces.get(at));
            let share = known.map_or(1.0, |pace| pace.still_behind(self.now, deadline));
            if refused && (fate.pace.is_none() || share > fate.behind) {
                (fate.behind, fate.pace) = (share, pace);
            }
            fate.rules
                .push((finding.rule.to_string(), finding.verdict, share));
        }
        fate
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count of printers"
    )]
    fn sum(&self, group: &Group<'_>, fate: &Fate) -> Sum {
        let used = self.calendar.in_use(group);
        let lost = fate.verdict == Verdict::UpdateRequired;
        let of = |condition: bool| if condition { group.printers } else { 0 };
        let share = if used { fate.behind } else { 1.0 };
        let lost_then = (of(lost) as f64 * share * THOUSANDTHS).round() as u64;
        Sum {
            printers: group.printers,
            in_use: of(used),
            lost_now: of(lost),
            lost_then,
            lost_in_use: if used { lost_then } else { 0 },
            stranded: of(fate.verdict == Verdict::Stranded),
            spared: of(fate.spared),
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count of printers"
    )]
    fn curve(&self, behind: &BTreeMap<Option<usize>, (u64, u64)>) -> Vec<Point> {
        let rules = self.candidate.enforcement().rules().iter();
        let last = rules.map(|enforced| enforced.rule.enforce_from).max();
        let last = last.unwrap_or(self.now).max(self.now);
        let mut points = Vec::new();
        for week in 0..=MOST_WEEKS {
            let then = self
                .now
                .checked_add(SignedDuration::from_hours(i64::from(week) * 7 * 24));
            let then = then.unwrap_or(last).min(last);
            let lost: f64 = behind
                .iter()
                .map(|(pace, (in_use, silent))| {
                    let pace = pace.and_then(|at| self.paces.get(at));
                    let share = pace.map_or(1.0, |pace| pace.still_behind(self.now, then));
                    *silent as f64 + *in_use as f64 * share
                })
                .sum();
            points.push(Point {
                day: TimeZone::UTC.to_datetime(then).date(),
                lost: (lost * THOUSANDTHS).round() as u64 / 1000,
            });
            if then >= last {
                break;
            }
        }
        points
    }
}

/// A tally in the making; what is expected, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    printers: u64,
    in_use: u64,
    lost_now: u64,
    lost_then: u64,
    lost_in_use: u64,
    stranded: u64,
    spared: u64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.printers += other.printers;
        self.in_use += other.in_use;
        self.lost_now += other.lost_now;
        self.lost_then += other.lost_then;
        self.lost_in_use += other.lost_in_use;
        self.stranded += other.stranded;
        self.spared += other.spared;
    }

    /// Half a printer that is lost is a printer that is lost.
    fn finish(self) -> Tally {
        let lost_then = self.lost_then.div_ceil(1000);
        Tally {
            printers: self.printers,
            in_use: self.in_use,
            lost_now: self.lost_now,
            rescued: self.lost_now.saturating_sub(lost_then),
            lost_then,
            lost_in_use: self.lost_in_use.div_ceil(1000),
            stranded: self.stranded,
            spared: self.spared,
        }
    }
}

#[derive(Default)]
struct Sums {
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
    fn add(&mut self, cohort: &Cohort<'_>, group: &Group<'_>, sum: &Sum) {
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

    fn finish(self) -> Impact {
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
