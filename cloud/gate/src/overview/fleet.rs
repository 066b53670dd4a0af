//! Printers of a channel and model: who runs the newest release, who is behind, and how far it is rolled out to them.

use std::collections::BTreeMap;

use firstlayer_bundle::Model;
use firstlayer_policy::{Channel, ChannelManifest, Release};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::kind::Kind;
use crate::metadata::InForce;

/// Versions that are counted one by one; whatever is older is counted together.
const VERSIONS: usize = 8;

/// Printers of a channel and model.
#[derive(Debug, Serialize)]
pub struct Fleet {
    /// The channel.
    pub channel: Channel,
    /// The model.
    pub model: Model,
    /// The newest release for it, if there is one.
    pub newest: Option<Rollout>,
    /// Printers in use that run that or something newer.
    pub current: u64,
    /// Printers in use that run something older.
    pub behind: u64,
    /// Printers that were not seen for long.
    pub silent: u64,
    /// Versions in use, the newest first.
    pub versions: Vec<VersionCount>,
    /// Printers in use with a version that is older than these.
    pub older: u64,
}

/// A release on its way to the printers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rollout {
    /// The release.
    pub version: Version,
    /// Of a hundred printers, how many are offered it now.
    pub percent: u8,
    /// When the next wave begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_wave: Option<Timestamp>,
}

/// How many printers in use have a version.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct VersionCount {
    /// The version.
    pub version: Version,
    /// How many.
    pub printers: u64,
}

/// Every channel and model that has a release or a printer.
pub(super) fn fleets(in_force: Option<&InForce>, kinds: &[Kind<'_>], now: Timestamp) -> Vec<Fleet> {
    let manifests = in_force.map(InForce::manifests).unwrap_or_default();
    let newest = newest(manifests);
    let mut members: BTreeMap<(&Channel, &Model), Vec<&Kind<'_>>> =
        newest.keys().map(|key| (*key, Vec::new())).collect();
    for kind in kinds {
        members
            .entry((kind.channel, kind.model))
            .or_default()
            .push(kind);
    }
    let fleets = members.into_iter().map(|((channel, model), kinds)| {
        let newest = newest.get(&(channel, model)).copied();
        fleet(channel, model, newest, &kinds, now)
    });
    fleets.collect()
}

/// The newest release that was not yanked, by channel and model.
fn newest(manifests: &[ChannelManifest]) -> BTreeMap<(&Channel, &Model), &Release> {
    let mut newest: BTreeMap<(&Channel, &Model), &Release> = BTreeMap::new();
    for manifest in manifests {
        for release in manifest
            .releases()
            .iter()
            .filter(|one| one.yanked.is_none())
        {
            for model in &release.models {
                let known = newest.entry((manifest.channel(), model)).or_insert(release);
                if known.version < release.version {
                    *known = release;
                }
            }
        }
    }
    newest
}

fn fleet(
    channel: &Channel,
    model: &Model,
    newest: Option<&Release>,
    kinds: &[&Kind<'_>],
    now: Timestamp,
) -> Fleet {
    let in_use = |wanted: &dyn Fn(&Version) -> bool| {
        let kinds = kinds.iter().filter(|kind| wanted(kind.version));
        kinds.map(|kind| kind.in_use).sum()
    };
    let is_current = |version: &Version| newest.is_some_and(|newest| *version >= newest.version);
    let mut versions: Vec<VersionCount> = kinds
        .iter()
        .filter(|kind| kind.in_use > 0)
        .map(|kind| VersionCount {
            version: kind.version.clone(),
            printers: kind.in_use,
        })
        .collect();
    versions.sort_by(|one, other| other.version.cmp(&one.version));
    let older = versions.split_off(versions.len().min(VERSIONS));
    Fleet {
        channel: channel.clone(),
        model: model.clone(),
        newest: newest.map(|newest| rollout(newest, now)),
        current: in_use(&is_current),
        behind: in_use(&|version| !is_current(version)),
        silent: kinds.iter().map(|kind| kind.silent).sum(),
        versions,
        older: older.iter().map(|older| older.printers).sum(),
    }
}

fn rollout(release: &Release, now: Timestamp) -> Rollout {
    let mut waves = release.waves.iter();
    Rollout {
        version: release.version.clone(),
        percent: release.rolled_out_percent(now),
        next_wave: waves.find(|wave| wave.starts > now).map(|wave| wave.starts),
    }
}
