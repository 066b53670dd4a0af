//! Whom a plan hits: lost if it were enforced now, rescued by the date, lost on the day, stranded. By model, channel,
//! region, version, rule and last-seen. Works on each group of the census once.

mod sums;

use std::collections::BTreeMap;

use firstlayer_policy::{Finding, Policy, RuleName, Verdict, Why};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use super::census::{Calendar, Cohort, Group};
use super::pace::Pace;
use sums::{Sum, Sums, expected, whole};

/// The most weeks that the curve shows.
const MOST_WEEKS: u32 = 104;

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
    /// Of those and of the ones lost later, in use: what the budget is for.
    pub lost_in_use: u64,
    /// Lack the capability, and no releases lead out.
    pub stranded: u64,
    /// Lack it, and are spared on the date.
    pub spared: u64,
    /// Expected to be refused when their exemption ends, and not before.
    pub lost_later: u64,
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
    /// The candidate as if it were enforced already, with the exemptions that will spare on the date.
    pub(crate) enforced: &'a Policy,
    /// The candidate itself, for its dates.
    pub(crate) candidate: &'a Policy,
    pub(crate) paces: &'a [Pace],
    pub(crate) calendar: Calendar,
    pub(crate) now: Timestamp,
}

/// What becomes of a cohort, by one rule or by all.
#[derive(Debug, Clone, Copy)]
struct Fate {
    verdict: Verdict,
    /// The share of those in use that is still behind on the date on which it is refused.
    behind: f64,
    /// The same for when an exemption ends, where there is one.
    later: Option<f64>,
    /// The pace of the rule that leaves the most behind on the date.
    pace: Option<usize>,
}

impl Fate {
    /// Whom no rule has anything to say about.
    const FREE: Self = Self {
        verdict: Verdict::Ok,
        behind: 0.0,
        later: None,
        pace: None,
    };

    /// Under both.
    fn and(self, other: Self) -> Self {
        let worse = other.behind > self.behind || self.verdict != Verdict::UpdateRequired;
        let refused = other.verdict == Verdict::UpdateRequired && worse;
        let later = self.later.into_iter().chain(other.later);
        Self {
            verdict: self.verdict.max(other.verdict),
            behind: self.behind.max(other.behind),
            later: later.reduce(f64::max),
            pace: if refused { other.pace } else { self.pace },
        }
    }
}

impl Assessment<'_> {
    /// Counts.
    pub(crate) fn impact(&self, cohorts: &[Cohort<'_>]) -> Impact {
        let mut sums = Sums::default();
        let mut behind: BTreeMap<Option<usize>, (u64, u64)> = BTreeMap::new();
        for cohort in cohorts {
            let fates = self.fates(cohort);
            let whole = fates
                .iter()
                .fold(Fate::FREE, |whole, (_, fate)| whole.and(*fate));
            for group in &cohort.groups {
                sums.add(cohort, group, &self.sum(group, whole));
                for (rule, fate) in &fates {
                    sums.add_rule(rule.as_str(), &self.sum(group, *fate));
                }
            }
            if whole.verdict == Verdict::UpdateRequired {
                let (in_use, silent) = behind.entry(whole.pace).or_default();
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

    /// By each rule that has something to say about it.
    fn fates(&self, cohort: &Cohort<'_>) -> Vec<(&RuleName, Fate)> {
        let ruling = self.enforced.decide(&cohort.facts(), self.now);
        let findings = ruling.findings.iter();
        findings
            .map(|finding| (finding.rule, self.fate(cohort, finding)))
            .collect()
    }

    fn fate(&self, cohort: &Cohort<'_>, finding: &Finding<'_>) -> Fate {
        let enforced = self.candidate.enforcement().rule(finding.rule);
        let date = enforced.map_or(self.now, |enforced| enforced.rule.enforce_from);
        let pace = self.paces.iter().position(|pace| {
            (&pace.channel, &pace.model, &pace.minimum)
                == (cohort.channel, cohort.model, finding.minimum)
        });
        let known = pace.and_then(|at| self.paces.get(at));
        let behind = |then| known.map_or(1.0, |pace| pace.still_behind(self.now, then));
        let refused = finding.verdict == Verdict::UpdateRequired;
        Fate {
            verdict: finding.verdict,
            behind: if refused { behind(date) } else { 0.0 },
            later: match finding.why {
                Why::Exempt { until, .. } => Some(behind(until)),
                _ => None,
            },
            pace,
        }
    }

    fn sum(&self, group: &Group<'_>, fate: Fate) -> Sum {
        let used = self.calendar.in_use(group);
        let refused = fate.verdict == Verdict::UpdateRequired;
        let of = |condition: bool| if condition { group.printers } else { 0 };
        // Those who are not in use stay behind.
        let stays = |share: f64| if used { share } else { 1.0 };
        let then = if refused { stays(fate.behind) } else { 0.0 };
        let later = fate
            .later
            .map_or(0.0, |later| (stays(later) - then).max(0.0));
        let (lost_then, lost_later) = (expected(group, then), expected(group, later));
        Sum {
            printers: group.printers,
            in_use: of(used),
            lost_now: of(refused),
            lost_then,
            lost_later,
            lost_in_use: if used { lost_then + lost_later } else { 0 },
            stranded: of(fate.verdict == Verdict::Stranded),
            spared: of(fate.verdict == Verdict::Ok && fate.later.is_some()),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of printers")]
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
                lost: whole(lost),
            });
            if then >= last {
                break;
            }
        }
        points
    }
}
