//! Signs an approved manifest with the enforcement role, publishes it, fetches it back and verifies it.
//!
//! The same author and the same publication as a release's: clients see the old rules or the new ones.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use firstlayer_metadata::TargetFile;
use firstlayer_policy::EnforcementManifest;
use jiff::Timestamp;

use super::approval::Approved;
use super::inputs::Ground;
use super::published::Published;
use crate::problems::Problems;
use crate::progress::{Event, Progress};
use crate::release::{Author, Signing, Why};
use crate::repository::{
    Content, Disk, ENFORCEMENT, Lock, NewFile, Publication, lay, stored_name, sweep,
};

/// What publishing needs beside what is published.
pub(crate) struct Tools<'a> {
    pub(crate) lock: &'a Lock,
    pub(crate) disk: &'a dyn Disk,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) now: Timestamp,
}

/// Does it all.
///
/// # Errors
/// [`crate::problems::Stopped`] when keys are missing; else what failed, on what. Clients then see the old rules.
pub(crate) fn publish(ground: &Ground, approved: &Approved, tools: &Tools<'_>) -> Result<()> {
    let (published, progress) = (&ground.published, tools.progress);
    let (folder, state) = (&published.folder, &published.state);
    let manifest = approved.manifest();
    if let Some(before) = &published.in_force {
        manifest.check_follows(before)?;
    }
    let bytes = manifest.to_bytes()?;
    let author = Author {
        roles: &ground.roles,
        keys: &ground.keys,
        state,
        now: tools.now,
    };
    let signings = signings(ground)?;
    check_keys(ground, &author, &signings)?;
    sweep(folder, tools.lock, &state.keep(folder, 1)?, tools.disk)?;
    let (name, file) = (EnforcementManifest::TARGET, TargetFile::of(&bytes));
    let stored = stored_name(name, &file);
    let targets = BTreeMap::from([(name.parse()?, file)]);
    let signed = author.sign(&signings, Some((ENFORCEMENT, targets)), progress)?;
    let publication = Publication {
        anchor: None,
        targets: vec![NewFile {
            name: stored,
            content: Content::Bytes(bytes),
        }],
        metadata: signed.metadata,
        timestamp: signed.timestamp,
    };
    progress.event(Event::Started {
        step: format!("publish into {}", folder.path()),
        total: None,
    });
    lay(folder, tools.lock, &publication, tools.disk)?.reveal()?;
    verify(ground, manifest, tools.now)?;
    progress.event(Event::Finished {
        outcome: format!("revision {} is in force", manifest.revision()),
    });
    Ok(())
}

/// The enforcement role, and those that list it; no other.
fn signings(ground: &Ground) -> Result<Vec<Signing>> {
    let roles = ground.published.state.roles();
    let why = |role| {
        if role == ENFORCEMENT {
            Why::Rules
        } else {
            Why::Follows
        }
    };
    [ENFORCEMENT, "snapshot", "timestamp"]
        .into_iter()
        .map(|name| {
            let role = roles.iter().find(|role| role.name.as_str() == name);
            let role = role.with_context(|| {
                format!("the repository has no role {name}; `cargo xtask release` makes it")
            })?;
            Ok(Signing {
                role: name.to_owned(),
                version: role.version.saturating_add(1),
                why: why(name),
            })
        })
        .collect()
}

fn check_keys(ground: &Ground, author: &Author<'_>, signings: &[Signing]) -> Result<()> {
    let mut problems = Problems::default();
    for signing in signings {
        let role = &signing.role;
        let Some(config) = ground.roles.role(role) else {
            problems.add(format!("keys/roles.toml has no role {role}"));
            continue;
        };
        let (there, needed) = (author.signing_keys(role).len(), config.threshold);
        problems.unless(there >= needed, || {
            format!(
                "{role} needs {needed} keys and {there} are there in {} and in the environment",
                ground.place.keys
            )
        });
    }
    Ok(problems.into_result()?)
}

fn verify(ground: &Ground, manifest: &EnforcementManifest, now: Timestamp) -> Result<()> {
    let folder = ground.published.folder.clone();
    let found = Published::read(folder, &ground.anchor, now)
        .context("the rules are published, but a client would refuse them")?;
    ensure!(
        found.in_force.as_ref() == Some(manifest),
        "a client reads other rules than were published"
    );
    Ok(())
}
