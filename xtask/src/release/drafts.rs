//! Roles as `roles.toml` wants them, keys unlocked, signatures collected: the parts that signing is made of.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    DelegatedPaths, DelegatedRole, DelegatedRoles, Delegations, Expires, PathPattern, PublicKey,
    Role, RoleKeys, RoleName, Root, RootRoles,
};
use firstlayer_signers::{KeyName, KeySource, RoleConfig, RolesConfig, Signer};

use crate::progress::{Event, Progress};

/// Makes and signs the first root: the trust anchor.
///
/// # Errors
/// When a key is missing or cannot be unlocked.
pub(crate) fn first_root(
    roles: &RolesConfig,
    keys: &KeySource,
    now: jiff::Timestamp,
) -> Result<Vec<u8>> {
    let root = root(roles, 1, expires(&roles.root, now)?, |name| {
        Ok(keys.public_key(name)?)
    })?;
    let names: Vec<_> = roles
        .root
        .keys
        .iter()
        .filter(|name| keys.has_private(name))
        .cloned()
        .collect();
    let signers = unlock(keys, &names, &crate::progress::Silent)?;
    finish(
        Draft::root(root, None)?,
        names.iter().filter_map(|name| signers.get(name)),
    )
}

/// The finished file, once these have signed.
pub(crate) fn finish<'a, T: Role>(
    mut draft: Draft<T>,
    signers: impl Iterator<Item = &'a Signer>,
) -> Result<Vec<u8>> {
    for signer in signers {
        draft.sign_with(signer)?;
    }
    Ok(draft.finish()?)
}

/// Unlocks keys on all cores: each takes a third of a second, on purpose.
pub(crate) fn unlock(
    keys: &KeySource,
    names: &[KeyName],
    progress: &dyn Progress,
) -> Result<BTreeMap<KeyName, Signer>> {
    let total = u64::try_from(names.len()).ok();
    progress.event(Event::Started {
        step: "unlock keys".to_owned(),
        total,
    });
    let (waiting, unlocked) = (Mutex::new(names.iter()), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let Some(name) = waiting.lock().ok().and_then(|mut names| names.next()) else {
                return;
            };
            let signer = keys.signer(name);
            if let Ok(mut unlocked) = unlocked.lock() {
                unlocked.push((name.clone(), signer));
            }
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(names.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    progress.event(Event::Finished {
        outcome: format!("{} unlocked", names.len()),
    });
    let unlocked = unlocked.into_inner().unwrap_or_default();
    unlocked
        .into_iter()
        .map(|(name, signer)| Ok((name, signer?)))
        .collect()
}

/// When a role expires that is signed now.
pub(crate) fn expires(role: &RoleConfig, now: jiff::Timestamp) -> Result<Expires> {
    Ok(Expires::at(
        now.checked_add(role.lifetime)
            .context("the lifetime leads out of the calendar")?,
    ))
}

/// A root with the keys of `roles`.
pub(crate) fn root(
    roles: &RolesConfig,
    version: u64,
    expires: Expires,
    key: impl Fn(&KeyName) -> Result<PublicKey>,
) -> Result<Root> {
    let mut keys = Vec::new();
    let mut held_by = |role: &RoleConfig| role_keys(role, &key, &mut keys);
    let roles = RootRoles {
        root: held_by(&roles.root)?,
        timestamp: held_by(&roles.timestamp)?,
        snapshot: held_by(&roles.snapshot)?,
        targets: held_by(&roles.targets)?,
    };
    Ok(Root::new(version, expires, keys, roles))
}

/// The delegations of `roles`, all terminating.
pub(crate) fn delegations(
    roles: &RolesConfig,
    key: impl Fn(&KeyName) -> Result<PublicKey>,
) -> Result<Delegations> {
    let mut keys = Vec::new();
    let mut delegated = Vec::new();
    for delegation in &roles.delegations {
        delegated.push(DelegatedRole {
            name: delegation.name.parse()?,
            keys: role_keys(&delegation.role, &key, &mut keys)?,
            terminating: true,
            paths: patterns(&delegation.paths),
        });
    }
    Ok(Delegations::new(keys, delegated)?)
}

fn role_keys(
    role: &RoleConfig,
    key: impl Fn(&KeyName) -> Result<PublicKey>,
    keys: &mut Vec<PublicKey>,
) -> Result<RoleKeys> {
    let held: Vec<PublicKey> = role.keys.iter().map(key).collect::<Result<_>>()?;
    let ids = held.iter().map(PublicKey::key_id).collect();
    keys.extend(held);
    Ok(RoleKeys::new(u64::try_from(role.threshold)?, ids)?)
}

/// Patterns as metadata has them.
pub(crate) fn patterns(paths: &[String]) -> DelegatedPaths {
    DelegatedPaths::Patterns(paths.iter().map(PathPattern::new).collect())
}

/// The names of the delegated roles; none for hash bins, which we never author.
pub(crate) fn names(delegations: &Delegations) -> Vec<&RoleName> {
    match &delegations.roles {
        DelegatedRoles::Named(roles) => roles.iter().map(|role| &role.name).collect(),
        DelegatedRoles::Succinct(_) => Vec::new(),
    }
}
