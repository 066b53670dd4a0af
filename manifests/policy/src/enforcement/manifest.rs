//! The enforcement manifest: the rules with their derived minimums, as the enforcement role signs them.
//!
//! Reading is as strict, and as lenient about fields from the future, as it is for channel manifests.

use std::collections::BTreeSet;

use firstlayer_bundle::Model;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Minimum, Rule, RuleName};
use crate::{Channel, PolicyError, channel::check_format};

const FORMAT: u32 = 1;
/// Rules: each decision looks at all of them.
const MOST_RULES: usize = 256;
/// Minimums of one rule: models times channels.
const MOST_MINIMUMS: usize = 4096;
/// Loosenings that are told of.
const MOST_RELAXATIONS: usize = 1024;

/// Every rule in force. Always valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnforcementManifest {
    format: u32,
    revision: u64,
    rules: Vec<EnforcedRule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relaxations: Vec<Relaxation>,
}

/// A rule and its minimums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcedRule {
    /// What it says.
    #[serde(flatten)]
    pub rule: Rule,
    /// The lowest version of each model and channel that satisfies it. Whoever is not listed is not concerned.
    pub minimums: Vec<Minimum>,
}

/// A rule was loosened or withdrawn, on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// The rule.
    pub rule: RuleName,
    /// The revision that did so.
    pub revision: u64,
    /// Why.
    pub why: String,
}

impl EnforcementManifest {
    /// The TUF target name.
    pub const TARGET: &'static str = "enforcement.json";
    /// Bytes of the document: stops one that would fill the memory.
    pub const LONGEST: u64 = 4 << 20;

    /// A valid manifest.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] with what is wrong with which rule.
    pub fn new(
        revision: u64,
        mut rules: Vec<EnforcedRule>,
        relaxations: Vec<Relaxation>,
    ) -> Result<Self, PolicyError> {
        for enforced in &mut rules {
            enforced
                .minimums
                .sort_by(|a, b| (&a.channel, &a.model).cmp(&(&b.channel, &b.model)));
        }
        rules.sort_by(|a, b| a.rule.name.cmp(&b.rule.name));
        check(&rules, &relaxations)?;
        Ok(Self {
            format: FORMAT,
            revision,
            rules,
            relaxations,
        })
    }

    /// Reads a manifest whose signatures hold.
    ///
    /// # Errors
    /// What is wrong with it, and that it is of a later format before anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        check_length(bytes)?;
        check_format(bytes, FORMAT)?;
        let raw: RawManifest = serde_json::from_slice(bytes).map_err(PolicyError::Malformed)?;
        Self::new(raw.revision, raw.rules, raw.relaxations)
    }

    /// The document: the same bytes for the same rules.
    ///
    /// # Errors
    /// It has outgrown what readers take.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PolicyError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(PolicyError::Malformed)?;
        bytes.push(b'\n');
        check_length(&bytes)?;
        Ok(bytes)
    }

    /// Which manifest it is in the row of all that were applied: 1, 2, …
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Its rules, by name.
    pub fn rules(&self) -> &[EnforcedRule] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, name: &RuleName) -> Option<&EnforcedRule> {
        self.rules
            .iter()
            .find(|enforced| enforced.rule.name == *name)
    }

    /// What was loosened on purpose, so far.
    pub fn relaxations(&self) -> &[Relaxation] {
        &self.relaxations
    }
}

impl EnforcedRule {
    /// The minimum for a model on a channel, if the rule concerns it.
    pub fn minimum(&self, channel: &Channel, model: &Model) -> Option<&Version> {
        let found = self
            .minimums
            .binary_search_by(|minimum| (&minimum.channel, &minimum.model).cmp(&(channel, model)));
        Some(&self.minimums.get(found.ok()?)?.version)
    }
}

#[derive(Deserialize)]
struct RawManifest {
    revision: u64,
    rules: Vec<EnforcedRule>,
    #[serde(default)]
    relaxations: Vec<Relaxation>,
}

fn check_length(bytes: &[u8]) -> Result<(), PolicyError> {
    let (length, limit) = (bytes.len(), EnforcementManifest::LONGEST);
    if length as u64 > limit {
        return Err(PolicyError::TooLong {
            length,
            limit: limit as usize,
        });
    }
    Ok(())
}

fn check(rules: &[EnforcedRule], relaxations: &[Relaxation]) -> Result<(), PolicyError> {
    let too_many = |what, count, limit| PolicyError::TooMany { what, count, limit };
    if rules.len() > MOST_RULES {
        return Err(too_many("rules", rules.len(), MOST_RULES));
    }
    if relaxations.len() > MOST_RELAXATIONS {
        return Err(too_many("relaxations", relaxations.len(), MOST_RELAXATIONS));
    }
    let mut names = BTreeSet::new();
    for EnforcedRule { rule, minimums } in rules {
        if minimums.len() > MOST_MINIMUMS {
            return Err(too_many("minimums", minimums.len(), MOST_MINIMUMS));
        }
        rule.check()
            .map_err(|problem| PolicyError::rule(&rule.name, problem))?;
        if !names.insert(&rule.name) {
            return Err(PolicyError::rule(&rule.name, "it is there twice"));
        }
        let twice = minimums
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if (&a.channel, &a.model) == (&b.channel, &b.model)));
        if twice {
            return Err(PolicyError::rule(
                &rule.name,
                "it has two minimums for one model on one channel",
            ));
        }
    }
    Ok(())
}
