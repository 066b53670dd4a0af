//! Printers counted by what the rules look at. The names are kept once each, and the groups as places in their lists:
//! millions of groups take 32 bytes each.

use std::collections::BTreeSet;

use firstlayer_bundle::Model;
use firstlayer_policy::Channel;
use semver::Version;

use crate::{Day, Region};

/// What printers of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey<'a> {
    /// The model.
    pub model: &'a Model,
    /// The version that they reported.
    pub version: &'a Version,
    /// The channel that they follow.
    pub channel: &'a Channel,
    /// Where they are, if that is known.
    pub region: Option<&'a Region>,
    /// The day on which they were last seen.
    pub last_seen: Day,
}

/// How many printers there are of each group; none is empty. The same printers make the same value in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    names: Names,
    counts: Vec<(Packed, u64)>,
}

/// Each name once, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) models: Vec<Model>,
    pub(crate) versions: Vec<Version>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) regions: Vec<Region>,
}

/// A key whose names are given as places in lists. `region` is one more than its place, or 0 for none, which so comes
/// first as it does among options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Packed {
    pub(crate) model: u32,
    pub(crate) version: u32,
    pub(crate) channel: u32,
    pub(crate) region: u32,
    pub(crate) last_seen: Day,
}

impl Groups {
    /// The groups of these counts, in any order and with keys that come again. The places are in `names`.
    pub(crate) fn from_packed(names: Names, mut counts: Vec<(Packed, u64)>) -> Self {
        counts.sort_unstable_by_key(|(key, _)| *key);
        counts.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
        counts.shrink_to_fit();
        Self { names, counts }
    }

    /// Every group with its count, ordered by model, version, channel, region and day.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (GroupKey<'_>, u64)> {
        Unpacked {
            groups: self,
            counts: self.counts.iter(),
        }
    }

    /// How many printers there are in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    fn unpack(&self, key: &Packed) -> Option<GroupKey<'_>> {
        let names = &self.names;
        Some(GroupKey {
            model: at(&names.models, key.model)?,
            version: at(&names.versions, key.version)?,
            channel: at(&names.channels, key.channel)?,
            region: key
                .region
                .checked_sub(1)
                .and_then(|place| at(&names.regions, place)),
            last_seen: key.last_seen,
        })
    }
}

impl<'a> FromIterator<(GroupKey<'a>, u64)> for Groups {
    fn from_iter<I: IntoIterator<Item = (GroupKey<'a>, u64)>>(groups: I) -> Self {
        let groups: Vec<_> = groups.into_iter().filter(|(_, count)| *count > 0).collect();
        let keys = || groups.iter().map(|(key, _)| key);
        let names = Names {
            models: sorted(keys().map(|key| key.model)),
            versions: sorted(keys().map(|key| key.version)),
            channels: sorted(keys().map(|key| key.channel)),
            regions: sorted(keys().filter_map(|key| key.region)),
        };
        let counts = groups
            .iter()
            .map(|(key, count)| (names.pack(key), *count))
            .collect();
        Self::from_packed(names, counts)
    }
}

impl Names {
    fn pack(&self, key: &GroupKey<'_>) -> Packed {
        Packed {
            model: place(&self.models, key.model),
            version: place(&self.versions, key.version),
            channel: place(&self.channels, key.channel),
            region: key
                .region
                .map_or(0, |region| place(&self.regions, region).saturating_add(1)),
            last_seen: key.last_seen,
        }
    }
}

/// Each value once, sorted.
pub(crate) fn sorted<'a, T: Ord + Clone + 'a>(values: impl Iterator<Item = &'a T>) -> Vec<T> {
    let distinct: BTreeSet<&T> = values.collect();
    distinct.into_iter().cloned().collect()
}

/// Where a value stands in a sorted list that has it.
pub(crate) fn place<T: Ord>(list: &[T], value: &T) -> u32 {
    let place = list.partition_point(|other| other < value);
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn at<T>(list: &[T], place: u32) -> Option<&T> {
    list.get(usize::try_from(place).ok()?)
}

/// Groups as they are handed out.
struct Unpacked<'a> {
    groups: &'a Groups,
    counts: std::slice::Iter<'a, (Packed, u64)>,
}

impl<'a> Iterator for Unpacked<'a> {
    type Item = (GroupKey<'a>, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, count) = self.counts.next()?;
        Some((self.groups.unpack(key)?, *count))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.counts.size_hint()
    }
}

impl ExactSizeIterator for Unpacked<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_ordered_and_counted() {
        let (model, channel) = ("x1".parse().unwrap(), "stable".parse().unwrap());
        let (old, new) = (Version::new(1, 9, 0), Version::new(1, 10, 0));
        let (region, last_seen) = ("eu".parse().unwrap(), "2026-11-25".parse().unwrap());
        let key = |version, region| GroupKey {
            model: &model,
            version,
            channel: &channel,
            region,
            last_seen,
        };
        let groups: Groups = [
            (key(&new, None), 1),
            (key(&old, Some(&region)), 2),
            (key(&old, None), 3),
            (key(&new, None), 4),
            (key(&new, Some(&region)), 0),
        ]
        .into_iter()
        .collect();
        let listed: Vec<_> = groups.iter().collect();
        assert_eq!(
            listed,
            [
                (key(&old, None), 3),
                (key(&old, Some(&region)), 2),
                (key(&new, None), 5)
            ]
        );
        assert_eq!((groups.total(), groups.len()), (10, 3));
        assert_eq!(groups, groups.iter().collect());
    }
}
