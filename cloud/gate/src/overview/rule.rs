//! What a rule does to the printers in use: today, or on its day if that lies ahead and nobody updates until then.

use firstlayer_bundle::Model;
use firstlayer_policy::{
    Capability, Channel, EnforcedRule, Feature, Policy, RuleName, Verdict, Why,
};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::kind::Kind;
use crate::metadata::InForce;

/// A rule, and whom it hits.
#[derive(Debug, Serialize)]
pub struct RuleEffect {
    /// Its name.
    pub rule: RuleName,
    /// What a printer has to be able to do.
    pub capability: Capability,
    /// What it does not get otherwise.
    pub withholds: Feature,
    /// From when on it warns.
    pub warn_from: Timestamp,
    /// From when on it is enforced.
    pub enforce_from: Timestamp,
    /// Whether that lies ahead: then the counts are what it would do to today's printers on that day.
    pub ahead: bool,
    /// One for each model and channel that it concerns.
    pub hits: Vec<Hit>,
    /// All of them.
    pub total: Counts,
}

/// Printers of one model and channel under a rule.
#[derive(Debug, Serialize)]
pub struct Hit {
    /// The model.
    pub model: Model,
    /// The channel.
    pub channel: Channel,
    /// The lowest version that will do.
    pub minimum: Version,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Printers in use, by what a rule does to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Nothing.
    pub fine: u64,
    /// They are refused, and have a way out.
    pub refused: u64,
    /// They have no way out: nothing is withheld from them.
    pub stranded: u64,
    /// They are exempt.
    pub spared: u64,
}

impl Counts {
    /// All of them.
    pub fn printers(&self) -> u64 {
        self.fine + self.refused + self.stranded + self.spared
    }

    fn add(&mut self, other: Self) {
        self.fine += other.fine;
        self.refused += other.refused;
        self.stranded += other.stranded;
        self.spared += other.spared;
    }
}

/// What every rule does, the next deadline first and those in force last.
pub(super) fn effects(in_force: &InForce, kinds: &[Kind<'_>], now: Timestamp) -> Vec<RuleEffect> {
    let policy = in_force.policy();
    let rules = policy.enforcement().rules().iter();
    let mut effects: Vec<RuleEffect> = rules
        .map(|enforced| effect(policy, enforced, kinds, in_force.judged_at(now)))
        .collect();
    effects.sort_by_key(|effect| (!effect.ahead, effect.enforce_from));
    effects
}

fn effect(
    policy: &Policy,
    enforced: &EnforcedRule,
    kinds: &[Kind<'_>],
    now: Timestamp,
) -> RuleEffect {
    let rule = &enforced.rule;
    let judged_at = now.max(rule.enforce_from);
    let minimums = enforced.minimums.iter();
    let hits: Vec<Hit> = minimums
        .map(|minimum| {
            let concerned =
                |kind: &&Kind<'_>| *kind.model == minimum.model && *kind.channel == minimum.channel;
            let mut counts = Counts::default();
            for kind in kinds.iter().filter(concerned) {
                counts.add(verdict(policy, &rule.name, kind, judged_at));
            }
            Hit {
                model: minimum.model.clone(),
                channel: minimum.channel.clone(),
                minimum: minimum.version.clone(),
                counts,
            }
        })
        .collect();
    let mut total = Counts::default();
    hits.iter().for_each(|hit| total.add(hit.counts));
    RuleEffect {
        rule: rule.name.clone(),
        capability: rule.capability.clone(),
        withholds: rule.withholds.clone(),
        warn_from: rule.warn_from,
        enforce_from: rule.enforce_from,
        ahead: now < rule.enforce_from,
        hits,
        total,
    }
}

fn verdict(policy: &Policy, rule: &RuleName, kind: &Kind<'_>, at: Timestamp) -> Counts {
    let ruling = policy.decide(&kind.facts(), at);
    let finding = ruling.findings.iter().find(|finding| finding.rule == rule);
    let (count, none) = (kind.in_use, Counts::default());
    match finding.map(|finding| (finding.verdict, &finding.why)) {
        Some((_, Why::Exempt { .. })) => Counts {
            spared: count,
            ..none
        },
        Some((Verdict::UpdateRequired, _)) => Counts {
            refused: count,
            ..none
        },
        Some((Verdict::Stranded, _)) => Counts {
            stranded: count,
            ..none
        },
        Some((Verdict::Ok | Verdict::Warn, _)) | None => Counts {
            fine: count,
            ..none
        },
    }
}
