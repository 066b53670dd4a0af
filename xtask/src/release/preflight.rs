//! Everything that could stop a release, looked at before anything is done, and told all at once.

use camino::Utf8Path;
use firstlayer_metadata::PublicKey;
use firstlayer_policy::Release;
use firstlayer_signers::KeyName;

use super::author::Author;
use super::signing::{Signing, known_keys, same_keys};
use super::{Environment, Firmware, Inputs, Plan};
use crate::checkout::Checkout;
use crate::problems::Problems;
use crate::repository::State;

/// What is kept free beside what a release itself takes.
const SPARE: u64 = 64 << 20;

/// Adds to `problems` whatever speaks against carrying out the plan.
pub(crate) fn check(
    checkout: &Checkout,
    plan: &Plan,
    inputs: &Inputs,
    firmware: &dyn Firmware,
    problems: &mut Problems,
) {
    match plan.environment {
        Environment::Development => check_development(inputs, problems),
        Environment::Production => check_production(plan, inputs, problems),
    }
    check_version(plan, inputs, problems);
    check_counter(plan, inputs, problems);
    for signing in &plan.signings {
        check_keys(signing, plan, inputs, problems);
    }
    check_rotation(inputs, problems);
    check_key_identities(plan, inputs, problems);
    if !plan.boards.is_empty() {
        problems.take(firmware.ready(plan.probing));
        check_space(plan, checkout, problems);
    }
    problems.unless(!inputs.boards.is_empty(), || {
        format!("there is no board in {}", checkout.boards())
    });
}

fn check_development(inputs: &Inputs, problems: &mut Problems) {
    let real = inputs
        .state
        .as_ref()
        .is_some_and(|state| !state.trusted().root().is_development());
    problems.unless(!real, || {
        format!(
            "{} holds a production trust anchor; use --environment production, or another --keys",
            inputs.request.keys
        )
    });
}

fn check_production(plan: &Plan, inputs: &Inputs, problems: &mut Problems) {
    problems.unless(inputs.source.changed.is_none(), || {
        "the tree has uncommitted changes; a production release is made of a commit alone"
            .to_owned()
    });
    let tag = format!("v{}", plan.version);
    problems.unless(inputs.source.tags.contains(&tag), || {
        format!("the commit has no tag `{tag}`; set it with `git tag --sign {tag}` once the release is agreed")
    });
    let Some(state) = &inputs.state else {
        return problems.add(format!(
            "there is no trust anchor at {}; see keys/roots/README.md",
            plan.anchor
        ));
    };
    problems.unless(!state.trusted().root().is_development(), || {
        format!(
            "{} is a development trust anchor; production never accepts one",
            plan.anchor
        )
    });
}

fn check_version(plan: &Plan, inputs: &Inputs, problems: &mut Problems) {
    let releases = inputs
        .manifest()
        .map(|manifest| manifest.releases())
        .unwrap_or_default();
    let reused = releases
        .iter()
        .find(|release| release.version == plan.version && is_of_another_commit(release, plan));
    problems.unless(reused.is_none(), || {
        format!("version {} is published already, from another commit; raise it in firmware/printerd/Cargo.toml", plan.version)
    });
    let newest = releases.iter().map(|release| &release.version).max();
    if let Some(newest) = newest.filter(|newest| !plan.boards.is_empty() && **newest > plan.version)
    {
        problems.add(format!(
            "version {} is lower than {newest}, which {} holds already; {}",
            plan.version,
            plan.channel,
            match inputs.source.shallow {
                true => "this clone is shallow, so its commit count is too low: run `git fetch --unshallow`",
                false => "release a newer commit, raise the version, or name another --repository",
            }
        ));
    }
}

/// Printers that confirmed the higher one would not be offered the release. Only a new release carries the counter: what
/// is published can be signed again whatever it is.
fn check_counter(plan: &Plan, inputs: &Inputs, problems: &mut Problems) {
    let releases = inputs.manifest().map(|manifest| manifest.releases());
    let highest = releases
        .into_iter()
        .flatten()
        .map(|release| release.counter);
    let (ours, name) = (inputs.channel.counter, &plan.channel);
    if let Some(highest) = highest
        .max()
        .filter(|highest| !plan.boards.is_empty() && *highest > ours)
    {
        problems.add(format!(
            "manifests/channels/{name}.toml has counter {ours}, and {name} holds a release with {highest}: a counter never falls; set it to {highest}, or name another --repository"
        ));
    }
}

/// By name where both have one; a release from before commits were recorded has only its commit's time.
fn is_of_another_commit(release: &Release, plan: &Plan) -> bool {
    match (&release.commit, plan.source.released()) {
        (Some(published), Some(planned)) => *published != planned,
        _ => release.built != plan.built(),
    }
}

/// Enough keys must be there, or about to be made, for each threshold.
fn check_keys(signing: &Signing, plan: &Plan, inputs: &Inputs, problems: &mut Problems) {
    let Some(config) = inputs.roles.role(&signing.role) else {
        return;
    };
    let there = |name: &&KeyName| {
        inputs.keys.has_private(name) || plan.make_keys.contains(&name.to_string())
    };
    let (found, missing): (Vec<_>, Vec<_>) = config.keys.iter().partition(there);
    problems.unless(found.len() >= config.threshold, || {
        let missing: Vec<String> = missing
            .iter()
            .map(|name| format!("{name} ({})", name.variable()))
            .collect();
        format!(
            "{} needs {} keys and {} are there; missing in {} and in the environment: {}",
            signing.role,
            config.threshold,
            found.len(),
            plan.keys,
            missing.join(", ")
        )
    });
}

/// A new root is visible at once, before what its new keys sign: such a rotation needs a ceremony of its own.
fn check_rotation(inputs: &Inputs, problems: &mut Problems) {
    let roles = inputs.state.as_ref().map(State::roles).unwrap_or_default();
    for role in roles
        .iter()
        .filter(|role| ["targets", "snapshot", "timestamp"].contains(&role.name.as_str()))
    {
        let config = inputs.roles.role(role.name.as_str());
        problems.unless(config.is_none_or(|config| same_keys(role.threshold, role.keys.iter(), config)), || {
            format!(
                "keys/roles.toml gives {} other keys or another threshold than {} has; rotating the keys of a top-level role is not possible yet",
                role.name, inputs.request.repository
            )
        });
    }
}

/// The keys at hand must be those that the repository trusts, not others by the same names.
fn check_key_identities(plan: &Plan, inputs: &Inputs, problems: &mut Problems) {
    let Some(state) = &inputs.state else { return };
    let author = Author {
        roles: &inputs.roles,
        keys: &inputs.keys,
        state,
        now: inputs.now,
    };
    let known = known_keys(Some(state));
    let names = plan
        .signings
        .iter()
        .flat_map(|signing| author.signing_keys(&signing.role));
    for name in names.filter(|name| inputs.keys.directory().public_path(name).is_file()) {
        let trusted: Option<&PublicKey> =
            known.iter().find(|key| key.name() == Some(name.as_str()));
        let Some(at_hand) = problems.take(inputs.keys.public_key(&name).map_err(Into::into)) else {
            continue;
        };
        problems.unless(trusted.is_none_or(|trusted| *trusted == at_hand), || {
            format!(
                "the key {name} in {} is not the one of that name that {} trusts",
                plan.keys, plan.repository
            )
        });
    }
}

/// A bundle is at most as large as its image, and there are the image, the bundle, and its published copy.
fn check_space(plan: &Plan, checkout: &Checkout, problems: &mut Problems) {
    let slots: u64 = plan.boards.iter().map(|board| board.slot).sum();
    for (folder, needed) in [
        (plan.repository.as_path(), slots),
        (checkout.root(), slots.saturating_mul(2)),
    ] {
        let needed = needed.saturating_add(SPARE);
        if let Some(free) = free_space(folder).filter(|free| *free < needed) {
            problems.add(format!(
                "there may be too little space for {folder}: {} MiB are free, and a release can take {} MiB",
                free >> 20,
                needed >> 20
            ));
        }
    }
}

/// Bytes that may still be written where `path` is or will be; `None` where the system does not say.
fn free_space(path: &Utf8Path) -> Option<u64> {
    let there = path.ancestors().find(|folder| folder.exists())?;
    let status = rustix::fs::statvfs(there.as_std_path()).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}
