//! The manifest that would be signed: the reviewed rules, with minimums from what is published. Pure.

use anyhow::{Context, Result};
use firstlayer_policy::{
    ChannelManifest, EnforcedRule, EnforcementManifest, Exemption, Loosening, Relaxation, Rules,
    Uncovered,
};
use jiff::Timestamp;

use super::request::Relax;

/// What the rules come to.
pub(crate) struct Candidate {
    /// The next manifest; the one in force where nothing changes.
    pub(crate) manifest: EnforcementManifest,
    /// Whether it says anything new.
    pub(crate) is_new: bool,
    /// Printers that a rule names and no release serves.
    pub(crate) uncovered: Vec<Uncovered>,
    /// What it demands less than before, and nobody said so.
    pub(crate) silent: Vec<Loosening>,
}

impl Candidate {
    /// Derives it.
    ///
    /// # Errors
    /// When the rules break a rule of the manifest.
    pub(crate) fn derive(
        rules: &Rules,
        channels: &[ChannelManifest],
        in_force: Option<&EnforcementManifest>,
        relax: &[Relax],
    ) -> Result<Self> {
        let (enforced, uncovered) = rules.derive(channels);
        let next = next(in_force, enforced, relax)?;
        let is_new = match in_force {
            Some(before) => next.rules() != before.rules(),
            None => !next.rules().is_empty(),
        };
        let loosened = in_force.map(|before| next.loosenings(before));
        let silent = loosened
            .unwrap_or_default()
            .into_iter()
            .filter(|found| !relax.iter().any(|told| told.rule == found.rule));
        Ok(Self {
            uncovered,
            silent: silent.collect(),
            is_new,
            manifest: match in_force {
                Some(before) if !is_new => before.clone(),
                _ => next,
            },
        })
    }
}

/// The manifest that follows, with these rules.
///
/// # Errors
/// When the rules break a rule of the manifest.
pub(crate) fn next(
    in_force: Option<&EnforcementManifest>,
    rules: Vec<EnforcedRule>,
    relax: &[Relax],
) -> Result<EnforcementManifest> {
    let revision = in_force.map_or(1, |before| before.revision().saturating_add(1));
    let mut relaxations = in_force
        .map(|before| before.relaxations().to_vec())
        .unwrap_or_default();
    relaxations.extend(relax.iter().map(|relax| Relaxation {
        rule: relax.rule.clone(),
        revision,
        why: relax.why.clone(),
    }));
    EnforcementManifest::new(revision, rules, relaxations)
        .context("the rules make no enforcement manifest that readers accept")
}

/// The same manifest, as if every rule were enforced already. It spares nobody; or, with `exemptions`, those who will be
/// spared on the date as well.
///
/// # Errors
/// When the rules break a rule of the manifest.
pub(crate) fn enforced_now(
    manifest: &EnforcementManifest,
    now: Timestamp,
    exemptions: bool,
) -> Result<EnforcementManifest> {
    let rules = manifest.rules().iter().map(|enforced| {
        let mut enforced = enforced.clone();
        let rule = &mut enforced.rule;
        let date = rule.enforce_from.max(now);
        let spared = |exemption: &Exemption| exemptions && exemption.until > date;
        rule.exemptions.retain(spared);
        rule.warn_from = rule.warn_from.min(now);
        rule.enforce_from = rule.enforce_from.min(now);
        enforced
    });
    Ok(EnforcementManifest::new(
        manifest.revision(),
        rules.collect(),
        Vec::new(),
    )?)
}
