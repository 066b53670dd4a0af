//! The minimum version of a model on a channel: derived from what releases were measured to do, never typed.

use std::collections::BTreeSet;

use firstlayer_bundle::Model;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{RuleName, ScopedRule};
use crate::{Capability, Channel, ChannelManifest, Release};

/// The lowest version with which printers of a model on a channel satisfy a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimum {
    /// The channel that they follow.
    pub channel: Channel,
    /// Their model.
    pub model: Model,
    /// The version.
    pub version: Version,
}

/// Printers within a rule's scope for which no release on offer has the capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uncovered {
    /// The rule.
    pub rule: RuleName,
    /// The channel.
    pub channel: Channel,
    /// The model.
    pub model: Model,
}

/// A minimum for every model and channel in the rule's scope, and those for which there is none.
pub(super) fn derive(
    scoped: &ScopedRule,
    channels: &[ChannelManifest],
) -> (Vec<Minimum>, Vec<Uncovered>) {
    let (mut minimums, mut uncovered) = (Vec::new(), Vec::new());
    for manifest in channels {
        let channel = manifest.channel();
        let served: BTreeSet<&Model> = manifest.releases().iter().flat_map(|r| &r.models).collect();
        for model in served
            .into_iter()
            .filter(|model| scoped.scope.holds(channel, model))
        {
            let (channel, model) = (channel.clone(), model.clone());
            match minimum(manifest, &model, &scoped.rule.capability) {
                Some(version) => minimums.push(Minimum {
                    channel,
                    model,
                    version,
                }),
                None => uncovered.push(Uncovered {
                    rule: scoped.rule.name.clone(),
                    channel,
                    model,
                }),
            }
        }
    }
    (minimums, uncovered)
}

/// The lowest release from which every later one that is on offer has the capability. A yanked release that has it does
/// not interrupt the row, nor does one that lacks it: whoever still runs that is found by its own entry.
fn minimum(manifest: &ChannelManifest, model: &Model, capability: &Capability) -> Option<Version> {
    let mut newest_first: Vec<&Release> = manifest
        .releases()
        .iter()
        .filter(|release| release.models.contains(model))
        .collect();
    newest_first.reverse();
    let mut lowest = None;
    let mut offered = false;
    for release in same_version(&newest_first) {
        let on_offer = release.iter().any(|one| one.yanked.is_none());
        let able = release
            .iter()
            .all(|one| one.can(capability) || (one.yanked.is_some() && on_offer));
        match (able, on_offer) {
            (true, _) => lowest = release.first().map(|one| &one.version),
            (false, true) => break,
            (false, false) => {}
        }
        offered |= able && on_offer;
    }
    lowest.filter(|_| offered).cloned()
}

/// Releases of one version, for one board each, in the order given.
fn same_version<'a>(releases: &'a [&'a Release]) -> impl Iterator<Item = &'a [&'a Release]> {
    releases.chunk_by(|a, b| a.version == b.version)
}
