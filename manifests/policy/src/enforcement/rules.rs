//! `manifests/enforcement.toml`: the rules as they are reviewed, and what they become with the channels' releases.

use std::collections::BTreeSet;

use firstlayer_bundle::Model;
use serde::Deserialize;

use super::{
    EnforcedRule, Exemption, Feature, Rule, RuleName,
    minimum::{Uncovered, derive},
};
use crate::{Capability, Channel, ChannelManifest, PolicyError};

/// The rules under review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules(Vec<ScopedRule>);

/// A rule and the printers that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedRule {
    /// What it says.
    pub rule: Rule,
    /// For whom.
    pub scope: Scope,
}

/// Printers by model and channel; every one where a list is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Models.
    pub models: Vec<Model>,
    /// Channels.
    pub channels: Vec<Channel>,
}

impl Scope {
    /// Whether it holds these printers.
    pub fn holds(&self, channel: &Channel, model: &Model) -> bool {
        (self.models.is_empty() || self.models.contains(model))
            && (self.channels.is_empty() || self.channels.contains(channel))
    }
}

impl Rules {
    /// Reads the file's text. Unknown keys are refused: this is a file that people write.
    ///
    /// # Errors
    /// [`PolicyError::Rules`] with what is wrong where, or [`PolicyError::Rule`] with the rule's name.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let raw: RawRules = toml::from_str(text).map_err(PolicyError::Rules)?;
        let rules: Vec<ScopedRule> = raw.rules.into_iter().map(ScopedRule::from).collect();
        let mut names = BTreeSet::new();
        for ScopedRule { rule, .. } in &rules {
            rule.check()
                .map_err(|problem| PolicyError::rule(&rule.name, problem))?;
            if !names.insert(&rule.name) {
                return Err(PolicyError::rule(&rule.name, "it is there twice"));
            }
        }
        Ok(Self(rules))
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &ScopedRule> {
        self.0.iter()
    }

    /// The rules with the minimums that follow from these releases, and whoever no release serves.
    pub fn derive(&self, channels: &[ChannelManifest]) -> (Vec<EnforcedRule>, Vec<Uncovered>) {
        let mut uncovered = Vec::new();
        let rules = self.0.iter().map(|scoped| {
            let (minimums, without) = derive(scoped, channels);
            uncovered.extend(without);
            EnforcedRule {
                rule: scoped.rule.clone(),
                minimums,
            }
        });
        (rules.collect(), uncovered)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    #[serde(default)]
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    name: RuleName,
    capability: Capability,
    withholds: Feature,
    #[serde(default)]
    models: Vec<Model>,
    #[serde(default)]
    channels: Vec<Channel>,
    warn_from: jiff::Timestamp,
    enforce_from: jiff::Timestamp,
    reason: String,
    help: String,
    #[serde(default)]
    exemptions: Vec<Exemption>,
    #[serde(default)]
    signed_reports: bool,
}

impl From<RawRule> for ScopedRule {
    fn from(raw: RawRule) -> Self {
        Self {
            scope: Scope {
                models: raw.models,
                channels: raw.channels,
            },
            rule: Rule {
                name: raw.name,
                capability: raw.capability,
                withholds: raw.withholds,
                warn_from: raw.warn_from,
                enforce_from: raw.enforce_from,
                reason: raw.reason,
                help: raw.help,
                exemptions: raw.exemptions,
                signed_reports: raw.signed_reports,
            },
        }
    }
}
