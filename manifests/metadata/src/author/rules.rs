//! The rules that keep what we publish acceptable to independent clients. Authoring refuses what breaks one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use unicode_normalization::is_nfc;

use crate::error::{Error, Result};
use crate::hash::Hashes;
use crate::json::GREATEST_INTEGER;
use crate::key::{KeyId, PublicKey};
use crate::name::RoleName;
use crate::role::delegations::{DelegatedPaths, DelegatedRole, DelegatedRoles, Delegations};
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::{TargetFile, Targets};
use crate::role::timestamp::Timestamp;
use crate::role::{RoleKeys, SPEC_VERSION};

/// What breaks a rule, without the role's name.
type Broken = Result<(), String>;

pub(super) fn check_root(root: &Root, previous: Option<&Root>) -> Result<()> {
    let broken = || {
        let roles = &root.roles;
        keys_have_their_ids(&root.keys)?;
        for role in [
            &roles.root,
            &roles.timestamp,
            &roles.snapshot,
            &roles.targets,
        ] {
            threshold_can_be_met(role, &root.keys)?;
        }
        check(root.consistent_snapshot, || {
            "a root has consistent snapshots".to_owned()
        })?;
        let due = previous.map_or(root.version, |previous| previous.version.saturating_add(1));
        check(root.version == due, || {
            format!("after root {} comes {due}", due.saturating_sub(1))
        })
    };
    as_rule(&RoleName::fixed("root"), broken())
}

pub(super) fn check_timestamp(timestamp: &Timestamp) -> Result<()> {
    let broken = sha256_is_given(timestamp.snapshot().hashes.as_ref(), "snapshot.json");
    as_rule(&RoleName::fixed("timestamp"), broken)
}

pub(super) fn check_snapshot(snapshot: &Snapshot) -> Result<()> {
    let mut files = snapshot.meta.iter();
    let broken = files
        .try_for_each(|(role, file)| sha256_is_given(file.hashes.as_ref(), role.as_str()))
        .and_then(|()| {
            check(snapshot.meta.contains_key("targets"), || {
                "a snapshot lists targets".to_owned()
            })
        });
    as_rule(&RoleName::fixed("snapshot"), broken)
}

pub(super) fn check_targets(name: &RoleName, targets: &Targets) -> Result<()> {
    let broken = || {
        for (path, file) in &targets.targets {
            check(path.is_flat(), || {
                format!("the target name {path} is not flat")
            })?;
            target_is_complete(path.as_str(), file)?;
        }
        targets
            .delegations
            .as_ref()
            .map_or(Ok(()), delegations_are_plain)
    };
    as_rule(name, broken())
}

/// Beyond the rules for targets: the delegator names the role, and lets it vouch for each of its targets.
pub(super) fn check_delegated<'a>(
    name: &RoleName,
    targets: &Targets,
    delegator: &RoleName,
    delegations: &'a Delegations,
) -> Result<&'a DelegatedRole> {
    let not_delegated = || Error::NotDelegated {
        role: name.clone(),
        delegator: delegator.clone(),
    };
    let role = delegations.role(name).ok_or_else(not_delegated)?;
    check_targets(name, targets)?;
    let outside = targets
        .targets
        .keys()
        .find(|path| !role.paths.contain(path));
    let rule = |path| {
        Err(format!(
            "{delegator} does not delegate the target {path} to it"
        ))
    };
    as_rule(name, outside.map_or(Ok(()), rule))?;
    Ok(role)
}

/// Rules for every value of every role: specification version, integers, NFC.
pub(super) fn check_values(name: &RoleName, signed: &Value) -> Result<()> {
    let spec_version = signed.get("spec_version").and_then(Value::as_str);
    let spec = check(spec_version == Some(SPEC_VERSION), || {
        format!("the spec_version is {SPEC_VERSION}")
    });
    let version = signed.get("version").and_then(Value::as_u64);
    let versions = check(version >= Some(1), || "versions begin with 1".to_owned());
    as_rule(
        name,
        spec.and(versions).and_then(|()| value_is_portable(signed)),
    )
}

fn keys_have_their_ids(keys: &BTreeMap<KeyId, PublicKey>) -> Broken {
    for (keyid, key) in keys {
        check(*keyid == key.key_id(), || {
            format!("the key {keyid} has the id {}", key.key_id())
        })?;
        check(key.is_usable(), || {
            format!("the key {keyid} is of the unknown scheme {}", key.scheme())
        })?;
    }
    Ok(())
}

fn threshold_can_be_met(role: &RoleKeys, keys: &BTreeMap<KeyId, PublicKey>) -> Broken {
    if let Some(keyid) = role
        .keyids()
        .iter()
        .find(|keyid| !keys.contains_key(*keyid))
    {
        return Err(format!("the key {keyid} is not listed"));
    }
    let material = role
        .keyids()
        .iter()
        .filter_map(|keyid| keys.get(keyid))
        .map(PublicKey::material);
    let distinct = material.collect::<BTreeSet<_>>().len();
    check(distinct == role.keyids().len(), || {
        "one key has several ids".to_owned()
    })?;
    let threshold = role.threshold();
    let enough = u64::try_from(distinct).is_ok_and(|distinct| distinct >= threshold);
    check(enough, || {
        format!("the {distinct} keys of a role never meet its threshold of {threshold}")
    })
}

fn target_is_complete(path: &str, file: &TargetFile) -> Broken {
    sha256_is_given(Some(&file.hashes), path)?;
    let empty = file.custom.as_ref().is_some_and(serde_json::Map::is_empty);
    check(!empty, || {
        format!("the custom of target {path} is empty: leave it out")
    })
}

fn sha256_is_given(hashes: Option<&Hashes>, file: &str) -> Broken {
    let given = hashes.is_none_or(|hashes| hashes.sha256().is_some());
    check(given, || format!("the hashes of {file} lack sha256"))
}

fn delegations_are_plain(delegations: &Delegations) -> Broken {
    let DelegatedRoles::Named(roles) = &delegations.roles else {
        return Err("succinct hash-bin roles are not for publishing".to_owned());
    };
    keys_have_their_ids(&delegations.keys)?;
    for role in roles {
        threshold_can_be_met(&role.keys, &delegations.keys)?;
        let DelegatedPaths::Patterns(patterns) = &role.paths else {
            continue;
        };
        let bracket = patterns
            .iter()
            .find(|pattern| pattern.as_str().contains(['[', ']']));
        bracket.map_or(Ok(()), |pattern| {
            Err(format!(
                "clients disagree on the brackets in {}",
                pattern.as_str()
            ))
        })?;
    }
    Ok(())
}

fn value_is_portable(value: &Value) -> Broken {
    match value {
        Value::Number(number) => {
            let within = number
                .as_i64()
                .is_some_and(|number| number.abs() <= GREATEST_INTEGER);
            check(within, || {
                format!("the number {number} is not an integer within 2^53")
            })
        }
        Value::String(text) => text_is_nfc(text),
        Value::Array(items) => items.iter().try_for_each(value_is_portable),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            text_is_nfc(name).and_then(|()| value_is_portable(value))
        }),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn text_is_nfc(text: &str) -> Broken {
    check(is_nfc(text), || {
        format!("the text {text:?} is not in normal form C")
    })
}

fn check(holds: bool, rule: impl FnOnce() -> String) -> Broken {
    if holds { Ok(()) } else { Err(rule()) }
}

fn as_rule(role: &RoleName, broken: Broken) -> Result<()> {
    broken.map_err(|rule| Error::Rule {
        role: role.clone(),
        rule,
    })
}
