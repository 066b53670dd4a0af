//! What is in force: every rule with its minimums and dates, and how long its signatures last. Reads only.

use std::fmt;

use anyhow::{Result, ensure};
use camino::Utf8Path;
use firstlayer_policy::{EnforcedRule, Relaxation};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::anchor::Anchor;
use crate::checkout::Checkout;
use crate::repository::{ENFORCEMENT, Folder, State};

/// The report of `cargo xtask enforce status`.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The folder.
    pub repository: String,
    /// Why its root.json proves nothing, where it is none of the trust anchors that the checkout knows.
    pub stranger: Option<String>,
    /// Which manifest is in force; none, if there never was one.
    pub revision: Option<u64>,
    /// When its role expires. Gates keep the last rules then, and say so.
    pub expires: Timestamp,
    /// Whole days until then; negative once it has expired.
    pub days_left: i64,
    /// The rules.
    pub rules: Vec<InForce>,
    /// What was loosened on purpose.
    pub relaxations: Vec<Relaxation>,
}

/// A rule, and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct InForce {
    /// How far it is.
    pub phase: Phase,
    /// What it says, for whom.
    #[serde(flatten)]
    pub rule: EnforcedRule,
}

/// How far a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nobody is told yet.
    Announced,
    /// Printers are warned.
    Warns,
    /// It is enforced.
    Enforced,
}

/// Reads a repository's rules as a client that has its `root.json`, or the anchor that is given.
///
/// # Errors
/// When nothing is published there, or it does not verify.
pub fn status(
    checkout: &Checkout,
    repository: &Utf8Path,
    anchor: Option<&Utf8Path>,
    now: Timestamp,
) -> Result<Standing> {
    let folder = Folder::new(repository);
    ensure!(
        folder.is_published(),
        "nothing is published in {repository}; `cargo xtask release` does that"
    );
    let anchor = Anchor::find(checkout, &folder, anchor)?;
    let state = State::read(&folder, &anchor.bytes)?;
    let manifest = state.enforcement(&folder)?;
    let mut roles = state.roles().into_iter();
    let role = roles.find(|role| role.name.as_str() == ENFORCEMENT);
    let expires = role.map_or(now, |role| role.expires.timestamp());
    let left = expires
        .since((Unit::Hour, now))
        .map_or(0, |span| i64::from(span.get_hours()));
    let rules = manifest.iter().flat_map(|manifest| manifest.rules());
    Ok(Standing {
        repository: repository.to_string(),
        stranger: anchor.stranger,
        revision: manifest.as_ref().map(|manifest| manifest.revision()),
        expires,
        days_left: left.div_euclid(24),
        rules: rules
            .map(|rule| InForce {
                phase: Phase::at(rule, now),
                rule: rule.clone(),
            })
            .collect(),
        relaxations: manifest
            .as_ref()
            .map(|manifest| manifest.relaxations().to_vec())
            .unwrap_or_default(),
    })
}

impl Standing {
    /// Whether clients refuse the signatures by now.
    pub fn expired(&self) -> bool {
        self.days_left < 0
    }
}

impl Phase {
    fn at(enforced: &EnforcedRule, now: Timestamp) -> Self {
        match &enforced.rule {
            rule if now >= rule.enforce_from => Self::Enforced,
            rule if now >= rule.warn_from => Self::Warns,
            _ => Self::Announced,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.repository)?;
        if let Some(stranger) = &self.stranger {
            writeln!(f, "  UNKNOWN: {stranger}")?;
        }
        let Some(revision) = self.revision else {
            return writeln!(f, "  no rules were ever applied");
        };
        let left = match self.expired() {
            true => "EXPIRED; `cargo xtask release` signs it again".to_owned(),
            false => format!("{} days left", self.days_left),
        };
        writeln!(f, "  revision {revision}, {left}")?;
        if self.rules.is_empty() {
            writeln!(f, "  no rule is in force")?;
        }
        self.rules.iter().try_for_each(|rule| write!(f, "{rule}"))?;
        for relaxation in &self.relaxations {
            writeln!(
                f,
                "loosened in revision {}: {}: {}",
                relaxation.revision, relaxation.rule, relaxation.why
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EnforcedRule { rule, minimums } = &self.rule;
        let phase = match self.phase {
            Phase::Announced => "announced",
            Phase::Warns => "warns",
            Phase::Enforced => "ENFORCED",
        };
        writeln!(f, "{} ({phase})", rule.name)?;
        writeln!(
            f,
            "  {} is withheld without {}",
            rule.withholds, rule.capability
        )?;
        writeln!(
            f,
            "  warns from {} on, enforces from {} on",
            rule.warn_from, rule.enforce_from
        )?;
        for minimum in minimums {
            let (model, channel, version) = (&minimum.model, &minimum.channel, &minimum.version);
            writeln!(f, "  {model} on {channel}: {version} or later")?;
        }
        if minimums.is_empty() {
            writeln!(f, "  it is for nobody")?;
        }
        for exemption in &rule.exemptions {
            let models = exemption.models.iter().map(ToString::to_string);
            let channels = exemption
                .channels
                .iter()
                .map(|channel| format!("all on {channel}"));
            let spared: Vec<String> = match exemption.models.is_empty() {
                true => channels.collect(),
                false => models.collect(),
            };
            writeln!(
                f,
                "  spares {} until {}: {}",
                spared.join(", "),
                exemption.until,
                exemption.why
            )?;
        }
        writeln!(f, "  {}", rule.reason)?;
        writeln!(f, "  {}", rule.help)
    }
}
