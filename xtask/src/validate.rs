//! Checks what people write (roles, boards, channels) and, where there is one, a whole repository: every file, every
//! signature, every bundle. Changes nothing, and reports every problem.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;
use firstlayer_policy::EnforcementManifest;
use jiff::Timestamp;
use serde::Serialize;

use crate::anchor::Anchor;
use crate::board;
use crate::channel::ChannelConfig;
use crate::checkout::Checkout;
use crate::enforce;
use crate::problems::Problems;
use crate::progress::Progress;
use crate::release::{Environment, Visitor, read_roles};
use crate::repository::{ENFORCEMENT, Folder, State};

/// The report of `cargo xtask validate`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What was looked at, and found in order.
    pub checked: Vec<String>,
    /// What is wrong.
    pub problems: Problems,
}

/// Checks the checkout's configuration, and the repository if anything is published there: from the anchor that is
/// named, or else from the repository's own, which must be one that the checkout knows if it knows any.
pub fn validate(
    checkout: &Checkout,
    repository: &Utf8Path,
    anchor: Option<&Utf8Path>,
    now: Timestamp,
    progress: &dyn Progress,
) -> Report {
    let mut report = Report {
        checked: Vec::new(),
        problems: Problems::default(),
    };
    report.note(roles_and_channels(checkout));
    report.note(boards(checkout));
    report.note(rules(checkout));
    let folder = Folder::new(repository);
    if folder.is_published() {
        let anchor = report
            .problems
            .take(Anchor::find(checkout, &folder, anchor));
        if let Some(anchor) = anchor {
            let repository = self::repository(&folder, &anchor, now, progress, &mut report);
            report.problems.take(repository);
        }
    } else {
        report
            .checked
            .push(format!("nothing is published in {repository}"));
    }
    report
}

impl Report {
    fn note(&mut self, checked: Result<Vec<String>>) {
        self.checked
            .extend(self.problems.take(checked).unwrap_or_default());
    }
}

fn roles_and_channels(checkout: &Checkout) -> Result<Vec<String>> {
    let roles = read_roles(checkout, Environment::Production)?;
    let mut checked = vec![format!("keys/roles.toml: {} roles", roles.roles().count())];
    let folder = checkout.root().join("manifests/channels");
    for name in ChannelConfig::names(&folder)? {
        ChannelConfig::read(&folder, &name.parse()?, &roles)?;
        checked.push(format!("manifests/channels/{name}.toml"));
    }
    Ok(checked)
}

fn rules(checkout: &Checkout) -> Result<Vec<String>> {
    let file = enforce::RULES;
    if !checkout.root().join(file).exists() {
        return Ok(vec![format!("there is no {file}: no rules")]);
    }
    let rules = enforce::read_rules(checkout)?;
    Ok(vec![format!("{file}: {} rules", rules.iter().count())])
}

fn boards(checkout: &Checkout) -> Result<Vec<String>> {
    let boards = board::all(checkout)?;
    Ok(boards
        .iter()
        .map(|board| format!("firmware/boards/{}.toml", board.name))
        .collect())
}

/// The metadata as a whole, then each bundle by itself, then what lies there besides.
fn repository(
    folder: &Folder,
    anchor: &Anchor,
    now: Timestamp,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<()> {
    if let Some(stranger) = &anchor.stranger {
        report.problems.add(stranger);
    }
    let state = State::read(folder, &anchor.bytes)?;
    report.checked.push(format!(
        "{}: {} roles verify from the trust anchor",
        folder.path(),
        state.roles().len()
    ));
    let mut visitor = Visitor::enter(folder, &anchor.bytes, now)
        .context("a client that comes now would refuse it")?;
    for channel in state.channels() {
        let Some(manifest) = visitor.channel(&channel)? else {
            continue;
        };
        for release in manifest.releases() {
            let bundle = visitor
                .bundle(&channel, release, progress)
                .and_then(|()| visitor.evidence(&channel, release));
            report.note(bundle.map(|()| vec![release.bundle.target.clone()]));
        }
    }
    let rules = EnforcementManifest::TARGET;
    let limit = EnforcementManifest::LONGEST;
    if let Some(bytes) = visitor.document(rules, ENFORCEMENT, limit)? {
        let revision = EnforcementManifest::parse(&bytes)?.revision();
        report.checked.push(format!("{rules}: revision {revision}"));
    }
    no_strangers(folder, &state.keep(folder, u64::MAX)?)
}

/// Every file must be one that some version of the metadata refers to.
fn no_strangers(folder: &Folder, keep: &crate::repository::Keep) -> Result<()> {
    for (path, kept) in [
        (folder.metadata(), &keep.metadata),
        (folder.targets(), &keep.targets),
    ] {
        let strangers = strangers(&path, kept)?;
        ensure!(
            strangers.is_empty(),
            "{path} holds what nothing refers to: {}",
            strangers.join(", ")
        );
    }
    Ok(())
}

fn strangers(path: &Utf8Path, kept: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut strangers = Vec::new();
    for entry in path
        .read_dir_utf8()
        .with_context(|| format!("cannot list {path}"))?
    {
        let name = entry
            .with_context(|| format!("cannot list {path}"))?
            .file_name()
            .to_owned();
        if !kept.contains(&name) {
            strangers.push(name);
        }
    }
    strangers.sort();
    Ok(strangers)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checked
            .iter()
            .try_for_each(|checked| writeln!(f, "ok  {checked}"))?;
        match self.problems.is_empty() {
            true => writeln!(f, "everything is in order"),
            false => writeln!(f, "{}", self.problems),
        }
    }
}
