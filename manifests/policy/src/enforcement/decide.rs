//! What a printer is told: `ok`, `warn`, `update-required` or `stranded`, with every reason.

use std::collections::BTreeMap;

use firstlayer_bundle::{Board, Model};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::{EnforcedRule, EnforcementManifest, Feature, RuleName, line::Line};
use crate::{Capability, Channel, ChannelManifest, Release};

/// What is known of a printer.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The channel that it follows.
    pub channel: &'a Channel,
    /// Its model.
    pub model: &'a Model,
    /// Its board; where it is not known, what is said holds for every board of the model.
    pub board: Option<&'a Board>,
    /// The version that it says it runs.
    pub version: &'a Version,
    /// How far that can be believed.
    pub report: Report,
}

/// How far a printer's report can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Signed with the printer's device key.
    Signed,
    /// No device key is known: it is a claim, and taken as one.
    Claimed,
    /// A device key is known, and it did not sign this: anybody may have said it.
    Unproven,
}

/// What the cloud does about a printer. The later ones weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing.
    Ok,
    /// It will be withheld something, and has the means to avoid that.
    Warn,
    /// It lacks something, and has no way to get it: nothing is withheld from it, and its makers are told.
    Stranded,
    /// Something is withheld until it is updated.
    UpdateRequired,
}

/// What a printer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ruling<'a> {
    /// The gravest of the findings.
    pub verdict: Verdict,
    /// One for each rule that has something to say about it.
    pub findings: Vec<Finding<'a>>,
}

/// What one rule says about a printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding<'a> {
    /// The rule.
    pub rule: &'a RuleName,
    /// What follows from it.
    pub verdict: Verdict,
    /// Why.
    pub why: Why<'a>,
    /// What the printer has to be able to do.
    pub capability: &'a Capability,
    /// What it does not get otherwise.
    pub withholds: &'a Feature,
    /// The lowest version that will do.
    pub minimum: &'a Version,
    /// From when on it is enforced.
    pub deadline: Timestamp,
    /// The rule's reason, for people.
    pub reason: &'a str,
    /// Where to read more.
    pub help: &'a str,
}

/// Why a rule has something to say about a printer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Why<'a> {
    /// Its version is below the minimum.
    BelowMinimum,
    /// Its release was measured, and lacks the capability.
    MeasuredWithout,
    /// It has a device key, and did not sign its report with that.
    Unsigned,
    /// It lacks the capability, and is spared for a time.
    Exempt {
        /// When that ends.
        until: Timestamp,
        /// Why it is spared.
        because: &'a str,
    },
}

/// Verified manifests, arranged for fast decisions.
#[derive(Debug, Clone)]
pub struct Policy {
    lines: BTreeMap<Channel, BTreeMap<Model, Vec<Line>>>,
    enforcement: EnforcementManifest,
}

impl Policy {
    /// Arranges the manifests of all channels and the rules.
    pub fn new(channels: &[ChannelManifest], enforcement: EnforcementManifest) -> Self {
        let lines = channels
            .iter()
            .map(|manifest| (manifest.channel().clone(), lines_of(manifest)))
            .collect();
        Self { lines, enforcement }
    }

    /// The rules that it decides by.
    pub fn enforcement(&self) -> &EnforcementManifest {
        &self.enforcement
    }

    /// Decides about a printer.
    pub fn decide<'a>(&'a self, facts: &Facts<'_>, now: Timestamp) -> Ruling<'a> {
        let rules = self.enforcement.rules().iter();
        let findings: Vec<Finding<'a>> = rules
            .filter_map(|rule| self.apply(rule, facts, now))
            .collect();
        let verdict = findings
            .iter()
            .map(|finding| finding.verdict)
            .max()
            .unwrap_or(Verdict::Ok);
        Ruling { verdict, findings }
    }

    /// The releases that the printer installs one after the other until it can install no more. Where its board is not
    /// known, those of the board that they lead the least far on.
    pub fn way<'a>(&'a self, facts: &Facts<'_>) -> Vec<&'a Release> {
        let ways = self
            .lines(facts)
            .map(|line| line.way(facts.version).collect::<Vec<_>>());
        ways.min_by(|a, b| version_reached(a).cmp(&version_reached(b)))
            .unwrap_or_default()
    }

    /// Whether those releases make the printer satisfy the rule.
    pub fn has_way_out(&self, enforced: &EnforcedRule, facts: &Facts<'_>) -> bool {
        let Some(minimum) = enforced.minimum(facts.channel, facts.model) else {
            return true;
        };
        let leads_out = |line: &Line| {
            line.way(facts.version).any(|release| {
                release.version >= *minimum && release.can(&enforced.rule.capability)
            })
        };
        let mut lines = self.lines(facts).peekable();
        lines.peek().is_some() && lines.all(leads_out)
    }

    fn apply<'a>(
        &'a self,
        enforced: &'a EnforcedRule,
        facts: &Facts<'_>,
        now: Timestamp,
    ) -> Option<Finding<'a>> {
        let rule = &enforced.rule;
        let minimum = enforced.minimum(facts.channel, facts.model)?;
        if now < rule.warn_from {
            return None;
        }
        let why = self.lacks(enforced, minimum, facts)?;
        let exemption = rule
            .exemptions
            .iter()
            .find(|exemption| exemption.covers(facts.model, facts.channel, now));
        let (verdict, why) = match exemption {
            Some(exemption) => (
                Verdict::Ok,
                Why::Exempt {
                    until: exemption.until,
                    because: &exemption.why,
                },
            ),
            // It can sign at once: whoever does not is not stranded.
            None if why != Why::Unsigned && !self.has_way_out(enforced, facts) => {
                (Verdict::Stranded, why)
            }
            None if now < rule.enforce_from => (Verdict::Warn, why),
            None => (Verdict::UpdateRequired, why),
        };
        Some(Finding {
            rule: &rule.name,
            verdict,
            why,
            capability: &rule.capability,
            withholds: &rule.withholds,
            minimum,
            deadline: rule.enforce_from,
            reason: &rule.reason,
            help: &rule.help,
        })
    }

    fn lacks<'a>(
        &self,
        enforced: &EnforcedRule,
        minimum: &Version,
        facts: &Facts<'_>,
    ) -> Option<Why<'a>> {
        if facts.version < minimum {
            return Some(Why::BelowMinimum);
        }
        let capability = &enforced.rule.capability;
        let without = self
            .lines(facts)
            .filter_map(|line| line.release(facts.version))
            .any(|release| !release.can(capability));
        if without {
            return Some(Why::MeasuredWithout);
        }
        let unproven = enforced.rule.signed_reports && facts.report == Report::Unproven;
        unproven.then_some(Why::Unsigned)
    }

    fn lines<'a, 'f>(&'a self, facts: &Facts<'f>) -> impl Iterator<Item = &'a Line> + use<'a, 'f> {
        let lines = self
            .lines
            .get(facts.channel)
            .and_then(|models| models.get(facts.model));
        let board = facts.board;
        lines
            .into_iter()
            .flatten()
            .filter(move |line| board.is_none_or(|board| line.board == *board))
    }
}

impl Ruling<'_> {
    /// The finding for which this feature is withheld, if one is.
    pub fn withheld(&self, feature: &Feature) -> Option<&Finding<'_>> {
        self.findings.iter().find(|finding| {
            finding.verdict == Verdict::UpdateRequired && finding.withholds == feature
        })
    }
}

impl Verdict {
    /// Its name in documents and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Stranded => "stranded",
            Self::UpdateRequired => "update-required",
        }
    }
}

fn version_reached<'a>(way: &[&'a Release]) -> Option<&'a Version> {
    way.last().map(|release| &release.version)
}

fn lines_of(manifest: &ChannelManifest) -> BTreeMap<Model, Vec<Line>> {
    let mut releases: BTreeMap<&Model, BTreeMap<&Board, Vec<Release>>> = BTreeMap::new();
    for release in manifest.releases() {
        for model in &release.models {
            let boards = releases.entry(model).or_default();
            boards
                .entry(&release.board)
                .or_default()
                .push(release.clone());
        }
    }
    let lines = releases.into_iter().map(|(model, boards)| {
        let lines = boards
            .into_iter()
            .map(|(board, releases)| Line::new(board.clone(), releases));
        (model.clone(), lines.collect())
    });
    lines.collect()
}
