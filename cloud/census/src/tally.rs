//! Counting: names come as text and are parsed once for each distinct one; counts of several threads become one.

use std::{collections::HashMap, str::FromStr};

use firstlayer_bundle::Model;
use firstlayer_policy::Channel;
use foldhash::fast::RandomState;
use semver::Version;

use crate::{
    Column, Day, Fault, Groups, Limits, Region,
    groups::{Names, Packed, place, sorted},
};

/// What is counted of one printer, as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted<'a> {
    pub(crate) model: &'a [u8],
    pub(crate) version: &'a [u8],
    pub(crate) channel: &'a [u8],
    /// Empty if it is not known.
    pub(crate) region: &'a [u8],
    pub(crate) last_seen: Day,
}

/// Counts of one thread.
pub(crate) struct Tally {
    models: Distinct<Model>,
    versions: Distinct<Version>,
    channels: Distinct<Channel>,
    regions: Distinct<Region>,
    counts: HashMap<Packed, u64, RandomState>,
    limit: usize,
}

/// The values of a column, each parsed once.
struct Distinct<T> {
    column: Column,
    limit: usize,
    places: HashMap<Box<[u8]>, u32, RandomState>,
    values: Vec<T>,
}

impl Tally {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            models: Distinct::new(Column::Model, limits.names),
            versions: Distinct::new(Column::Version, limits.names),
            channels: Distinct::new(Column::Channel, limits.names),
            regions: Distinct::new(Column::Region, limits.names),
            counts: HashMap::default(),
            limit: limits.groups,
        }
    }

    /// Counts so many printers that are alike.
    pub(crate) fn add(&mut self, counted: &Counted<'_>, count: u64) -> Result<(), Fault> {
        let key = Packed {
            model: self.models.place(counted.model)?,
            version: self.versions.place(counted.version)?,
            channel: self.channels.place(counted.channel)?,
            region: match counted.region {
                [] => 0,
                region => self.regions.place(region)?.saturating_add(1),
            },
            last_seen: counted.last_seen,
        };
        let sum = self.counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
        within_groups(self.counts.len(), self.limit)
    }

    /// All counts together.
    pub(crate) fn merge(tallies: Vec<Self>, limits: &Limits) -> Result<Groups, Fault> {
        let names = Names {
            models: union(&tallies, |tally| &tally.models, limits)?,
            versions: union(&tallies, |tally| &tally.versions, limits)?,
            channels: union(&tallies, |tally| &tally.channels, limits)?,
            regions: union(&tallies, |tally| &tally.regions, limits)?,
        };
        let mut counts = Vec::new();
        for tally in tallies {
            counts.reserve_exact(tally.counts.len());
            counts.extend(tally.moved_to(&names));
        }
        let groups = Groups::from_packed(names, counts);
        within_groups(groups.len(), limits.groups)?;
        Ok(groups)
    }

    /// Its counts, with places in these lists.
    fn moved_to(self, names: &Names) -> impl Iterator<Item = (Packed, u64)> {
        let models = self.models.moves(&names.models);
        let versions = self.versions.moves(&names.versions);
        let channels = self.channels.moves(&names.channels);
        let regions = self.regions.moves(&names.regions);
        self.counts.into_iter().map(move |(key, count)| {
            let moved = Packed {
                model: moved(&models, key.model),
                version: moved(&versions, key.version),
                channel: moved(&channels, key.channel),
                region: key
                    .region
                    .checked_sub(1)
                    .map_or(0, |region| moved(&regions, region).saturating_add(1)),
                last_seen: key.last_seen,
            };
            (moved, count)
        })
    }
}

impl<T: FromStr<Err: ToString> + Ord> Distinct<T> {
    fn new(column: Column, limit: usize) -> Self {
        Self {
            column,
            limit,
            places: HashMap::default(),
            values: Vec::new(),
        }
    }

    /// Where the value of this text stands in `values`.
    fn place(&mut self, text: &[u8]) -> Result<u32, Fault> {
        match self.places.get(text) {
            Some(place) => Ok(*place),
            None => self.insert(text),
        }
    }

    #[cold]
    fn insert(&mut self, text: &[u8]) -> Result<u32, Fault> {
        let column = self.column;
        let value = parse(text).map_err(|problem| Fault::Value { column, problem })?;
        within_names(self.values.len().saturating_add(1), column, self.limit)?;
        let place = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value);
        self.places.insert(text.into(), place);
        Ok(place)
    }

    /// For each place here its place in the sorted list.
    fn moves(&self, list: &[T]) -> Vec<u32> {
        self.values.iter().map(|value| place(list, value)).collect()
    }
}

/// Longer than any name or sensible version.
const LONGEST: usize = 64;

fn parse<T: FromStr<Err: ToString>>(text: &[u8]) -> Result<T, String> {
    if text.len() > LONGEST {
        return Err(format!("it takes no more than {LONGEST} bytes"));
    }
    let text = str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    text.parse().map_err(|error: T::Err| {
        let error = error.to_string();
        // The versions' own parser does not repeat what it was given.
        if error.contains(text) {
            error
        } else {
            format!("{text:?} is none: {error}")
        }
    })
}

fn union<T: FromStr<Err: ToString> + Ord + Clone>(
    tallies: &[Tally],
    distinct: impl Fn(&Tally) -> &Distinct<T>,
    limits: &Limits,
) -> Result<Vec<T>, Fault> {
    let all = tallies.iter().map(&distinct);
    let list = sorted(all.flat_map(|distinct| &distinct.values));
    if let Some(tally) = tallies.first() {
        within_names(list.len(), distinct(tally).column, limits.names)?;
    }
    Ok(list)
}

fn moved(moves: &[u32], place: u32) -> u32 {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    moves.get(place).copied().unwrap_or(u32::MAX)
}

fn within_names(count: usize, column: Column, limit: usize) -> Result<(), Fault> {
    if count > limit {
        return Err(Fault::TooManyNames { column, limit });
    }
    Ok(())
}

fn within_groups(count: usize, limit: usize) -> Result<(), Fault> {
    if count > limit {
        return Err(Fault::TooManyGroups { limit });
    }
    Ok(())
}
