//! Versions over time: how many printers were seen with which version on which day.

use std::collections::BTreeMap;

use firstlayer_census::{Day, HistoryPoint};
use semver::Version;
use serde::Serialize;

/// Versions that are shown one by one; whatever is older is shown together.
const VERSIONS: usize = 5;

/// Counts by day, one for each version.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Every day from the first on which a printer was seen to the last.
    pub days: Vec<Day>,
    /// The versions, the newest first.
    pub series: Vec<Series>,
}

/// A version, or all that are older than those before it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The version; `None` for those that are older.
    pub version: Option<Version>,
    /// How many printers, by day.
    pub printers: Vec<u64>,
}

/// The history of these points, whatever their channels and models.
pub(super) fn of(points: &[HistoryPoint]) -> History {
    let days = days(points);
    let mut versions: BTreeMap<&Version, BTreeMap<Day, u64>> = BTreeMap::new();
    for point in points {
        *versions
            .entry(&point.version)
            .or_default()
            .entry(point.day)
            .or_default() += point.count;
    }
    let mut versions = versions.into_iter().rev();
    let counts = |by_day: &BTreeMap<Day, u64>| -> Vec<u64> {
        let counts = days.iter().map(|day| by_day.get(day).copied());
        counts.map(Option::unwrap_or_default).collect()
    };
    let mut series: Vec<Series> = versions
        .by_ref()
        .take(VERSIONS)
        .map(|(version, by_day)| Series {
            version: Some(version.clone()),
            printers: counts(&by_day),
        })
        .collect();
    let mut older: BTreeMap<Day, u64> = BTreeMap::new();
    for (day, count) in versions.flat_map(|(_, by_day)| by_day) {
        *older.entry(day).or_default() += count;
    }
    if !older.is_empty() {
        series.push(Series {
            version: None,
            printers: counts(&older),
        });
    }
    History { days, series }
}

/// A day on which nobody was seen is one too. Nothing is shown beyond the limit that the census was asked for.
fn days(points: &[HistoryPoint]) -> Vec<Day> {
    let first = points.iter().map(|point| point.day).min();
    let last = points.iter().map(|point| point.day).max();
    let Some((first, last)) = first.zip(last) else {
        return Vec::new();
    };
    let dates = std::iter::successors(Some(first.date()), |date| date.tomorrow().ok());
    dates
        .take_while(|date| *date <= last.date())
        .filter_map(|date| Day::new(date).ok())
        .collect()
}
