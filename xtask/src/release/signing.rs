//! Which metadata has to be signed again, and why. Pure; the keys' secrets are not touched.

use std::fmt;

use firstlayer_metadata::{Delegations, Expires, PublicKey};
use firstlayer_signers::{DelegationConfig, KeyName, RoleConfig};
use jiff::Timestamp;
use serde::Serialize;

use super::{Environment, Inputs};
use crate::repository::{RoleState, State};

/// A role that gets a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signing {
    /// Its name.
    pub role: String,
    /// The version that it gets.
    pub version: u64,
    /// Why.
    pub why: Why,
}

/// Why a role is signed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was never published.
    First,
    /// It names the new release.
    Release,
    /// It names the new enforcement manifest.
    Rules,
    /// `roles.toml` says something else than what is published.
    Changed,
    /// Less than a third of its lifetime is left.
    NearExpiry,
    /// A role that it lists has a new version.
    Follows,
}

/// Every role that needs a new version, in the order root, targets, delegated roles, snapshot, timestamp.
pub(crate) fn needed(inputs: &Inputs, new_release: bool) -> Vec<Signing> {
    let published = Published {
        roles: inputs.state.as_ref().map(State::roles).unwrap_or_default(),
        now: inputs.now,
    };
    let (roles, delegations) = (&inputs.roles, delegations_of(inputs.state.as_ref()));
    let mut signings = Vec::new();
    let root_changed = ["root", "targets", "snapshot", "timestamp"]
        .iter()
        .any(|name| {
            roles
                .role(name)
                .is_some_and(|role| published.has_other_keys(name, role))
        });
    if inputs.anchor.is_some() {
        signings.extend(published.signing(
            "root",
            &roles.root,
            root_changed.then_some(Why::Changed),
        ));
    }
    let delegates_otherwise = inputs.state.as_ref().is_some_and(State::is_published)
        && !delegations.is_some_and(|published| same_delegations(published, &roles.delegations));
    signings.extend(published.signing(
        "targets",
        &roles.targets,
        delegates_otherwise.then_some(Why::Changed),
    ));
    for delegation in &roles.delegations {
        let names_it = new_release && delegation.name == inputs.channel.name.as_str();
        signings.extend(published.signing(
            &delegation.name,
            &delegation.role,
            names_it.then_some(Why::Release),
        ));
    }
    let lists_anything_new = signings.iter().any(|signing| signing.role != "root");
    signings.extend(published.signing(
        "snapshot",
        &roles.snapshot,
        lists_anything_new.then_some(Why::Follows),
    ));
    let new_snapshot = signings.iter().any(|signing| signing.role == "snapshot");
    signings.extend(published.signing(
        "timestamp",
        &roles.timestamp,
        new_snapshot.then_some(Why::Follows),
    ));
    signings
}

/// Throwaway keys that are not there and that nothing published knows: a key that is known and gone is no key to
/// make again, since the new one would not be the trusted one.
pub(crate) fn keys_to_make(inputs: &Inputs) -> Vec<String> {
    if inputs.request.environment == Environment::Production {
        return Vec::new();
    }
    let known = known_keys(inputs.state.as_ref());
    let is_known = |name: &KeyName| known.iter().any(|key| key.name() == Some(name.as_str()));
    let names = inputs.roles.roles().flat_map(|(_, role)| &role.keys);
    names
        .filter(|name| !inputs.keys.has_private(name) && !is_known(name))
        .map(ToString::to_string)
        .collect()
}

/// Every key that the published metadata, or the anchor, names.
pub(crate) fn known_keys(state: Option<&State>) -> Vec<PublicKey> {
    let Some(state) = state else {
        return Vec::new();
    };
    let delegated = delegations_of(Some(state))
        .into_iter()
        .flat_map(|delegations| delegations.keys.values());
    state
        .trusted()
        .root()
        .keys
        .values()
        .chain(delegated)
        .cloned()
        .collect()
}

fn delegations_of(state: Option<&State>) -> Option<&Delegations> {
    state?.targets("targets")?.delegations.as_ref()
}

struct Published {
    roles: Vec<RoleState>,
    now: Timestamp,
}

impl Published {
    fn role(&self, name: &str) -> Option<&RoleState> {
        self.roles.iter().find(|role| role.name.as_str() == name)
    }

    /// A new version for the first reason that holds, if any does.
    fn signing(&self, name: &str, config: &RoleConfig, other: Option<Why>) -> Option<Signing> {
        let (version, why) = match self.role(name) {
            None => (1, Some(Why::First)),
            Some(role) => {
                let changed = self.has_other_keys(name, config).then_some(Why::Changed);
                let ends = near_expiry(role.expires, config, self.now).then_some(Why::NearExpiry);
                (role.version.saturating_add(1), other.or(changed).or(ends))
            }
        };
        Some(Signing {
            role: name.to_owned(),
            version,
            why: why?,
        })
    }

    fn has_other_keys(&self, name: &str, config: &RoleConfig) -> bool {
        self.role(name)
            .is_some_and(|role| !same_keys(role.threshold, role.keys.iter(), config))
    }
}

/// Less than a third of the lifetime is left.
fn near_expiry(expires: Expires, config: &RoleConfig, now: Timestamp) -> bool {
    now.checked_add(config.lifetime / 3)
        .is_ok_and(|soon| expires.has_passed(soon))
}

/// Keys are compared by the names that they carry: a key keeps its name for as long as it lives.
pub(crate) fn same_keys<'a>(
    threshold: u64,
    keys: impl Iterator<Item = &'a PublicKey>,
    config: &RoleConfig,
) -> bool {
    let mut published: Vec<&str> = keys.filter_map(PublicKey::name).collect();
    let mut wanted: Vec<&str> = config.keys.iter().map(KeyName::as_str).collect();
    published.sort_unstable();
    wanted.sort_unstable();
    u64::try_from(config.threshold) == Ok(threshold) && published == wanted
}

fn same_delegations(published: &Delegations, wanted: &[DelegationConfig]) -> bool {
    let same = |delegation: &DelegationConfig| {
        let role = delegation
            .name
            .parse()
            .ok()
            .and_then(|name| published.role(&name));
        role.is_some_and(|role| {
            let keys = role
                .keys
                .keyids()
                .iter()
                .filter_map(|id| published.keys.get(id));
            same_keys(role.keys.threshold(), keys, &delegation.role)
                && role.paths == super::drafts::patterns(&delegation.paths)
        })
    };
    super::drafts::names(published).len() == wanted.len() && wanted.iter().all(same)
}

impl fmt::Display for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::First => "the first one",
            Why::Release => "it names the release",
            Why::Rules => "it names the rules",
            Why::Changed => "keys/roles.toml has changed",
            Why::NearExpiry => "it nears its expiry",
            Why::Follows => "it lists the others",
        };
        write!(f, "{} {}: {why}", self.role, self.version)
    }
}
