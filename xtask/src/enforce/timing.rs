//! Dates: notice given, releases rolled out, grace passed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use firstlayer_bundle::Board;
use firstlayer_policy::{ChannelManifest, EnforcedRule, EnforcementManifest, Minimum, Release};
use jiff::Timestamp;
use semver::Version;

use super::pace::satisfying;
use super::published::Published;
use super::recovery::Recovery;
use super::refusal::{Line, Refusal, Shortfall};
use super::request::Terms;

/// What dates are judged by.
pub(crate) struct Known<'a> {
    pub(crate) published: &'a Published,
    /// The ways of those who would be locked out.
    pub(crate) recoveries: &'a [Recovery],
    pub(crate) terms: &'a Terms,
    pub(crate) now: Timestamp,
}

/// Adds whatever is wrong with a candidate's dates.
pub(crate) fn check(
    candidate: &EnforcementManifest,
    known: &Known<'_>,
    refusals: &mut Vec<Refusal>,
) {
    let (terms, now) = (known.terms, known.now);
    for enforced in candidate.rules() {
        let before = known
            .published
            .in_force
            .as_ref()
            .and_then(|manifest| manifest.rule(&enforced.rule.name));
        let shortfall = shortfall(enforced, before, terms, now);
        refusals.extend(shortfall.map(|shortfall| Refusal::ShortNotice {
            rule: enforced.rule.name.clone(),
            shortfall,
            notice: terms.notice,
        }));
        for minimum in &enforced.minimums {
            if !was_in_force(enforced, minimum, before) {
                check_rollout(enforced, minimum, known, refusals);
            }
        }
    }
}

/// What was announced, and demands nothing more, has had its notice.
fn shortfall(
    enforced: &EnforcedRule,
    before: Option<&EnforcedRule>,
    terms: &Terms,
    now: Timestamp,
) -> Option<Shortfall> {
    let rule = &enforced.rule;
    let (warn_from, enforce_from) = (rule.warn_from, rule.enforce_from);
    let in_time = |from| terms.notice.after(from) <= enforce_from;
    let late = (!in_time(warn_from)).then_some(Shortfall::Between {
        warn_from,
        enforce_from,
    });
    let Some(before) = before else {
        return match warn_from < now {
            true => Some(Shortfall::Backdated { warn_from }),
            false => late,
        };
    };
    let what = tightened(enforced, before);
    // Who is asked for more, or warned later, than was announced still has the whole notice.
    let changed = what.is_some() || warn_from > before.rule.warn_from;
    match what.filter(|_| !in_time(now)) {
        Some(what) => Some(Shortfall::Tightened { enforce_from, what }),
        None => late.filter(|_| changed),
    }
}

fn tightened(enforced: &EnforcedRule, before: &EnforcedRule) -> Option<String> {
    let (rule, old) = (&enforced.rule, &before.rule);
    if rule.enforce_from < old.enforce_from {
        return Some(format!("it was announced for {}", old.enforce_from));
    }
    if rule.capability != old.capability {
        return Some(format!("it was announced for {}", old.capability));
    }
    if rule.withholds != old.withholds {
        return Some(format!("it was announced to withhold {}", old.withholds));
    }
    if rule.signed_reports && !old.signed_reports {
        return Some("it was announced without signed reports".to_owned());
    }
    let spared_less = old.exemptions.iter().find(|exemption| {
        !rule.exemptions.iter().any(|now| {
            now.models == exemption.models
                && now.channels == exemption.channels
                && now.until >= exemption.until
        })
    });
    if let Some(exemption) = spared_less {
        return Some(format!("it was to spare some until {}", exemption.until));
    }
    let raised = enforced.minimums.iter().find(|minimum| {
        before
            .minimum(&minimum.channel, &minimum.model)
            .is_none_or(|old| *old < minimum.version)
    })?;
    Some(format!(
        "it was not announced that {} on {} need {}",
        raised.model, raised.channel, raised.version
    ))
}

/// Whether the rule demands that of those printers already, no later than now wanted.
fn was_in_force(enforced: &EnforcedRule, minimum: &Minimum, before: Option<&EnforcedRule>) -> bool {
    before.is_some_and(|before| {
        before.minimum(&minimum.channel, &minimum.model) >= Some(&minimum.version)
            && before.rule.enforce_from <= enforced.rule.enforce_from
            && before.rule.capability == enforced.rule.capability
    })
}

fn check_rollout(
    enforced: &EnforcedRule,
    minimum: &Minimum,
    known: &Known<'_>,
    refusals: &mut Vec<Refusal>,
) {
    let line = || Line {
        rule: enforced.rule.name.clone(),
        channel: minimum.channel.clone(),
        model: minimum.model.clone(),
    };
    let (now, grace) = (known.now, known.terms.grace);
    let date = enforced.rule.enforce_from.max(now);
    for release in needed(enforced, minimum, known) {
        let rolled_out = release.rolled_out_at();
        if grace.after(rolled_out) > date {
            refusals.push(Refusal::TooSoon {
                line: line(),
                enforce_from: enforced.rule.enforce_from,
                release: release.version.clone(),
                rolled_out,
                grace,
            });
        }
        let percent_then = release.rolled_out_percent(date);
        if percent_then < 100 {
            refusals.push(Refusal::NotRolledOut {
                line: line(),
                release: release.version.clone(),
                percent_now: release.rolled_out_percent(now),
                percent_then,
            });
        }
    }
}

/// The releases that printers need: those that satisfy the rule, and the stepping stones to them. Of each version the
/// board that is rolled out last.
fn needed<'a>(
    enforced: &EnforcedRule,
    minimum: &Minimum,
    known: &Known<'a>,
) -> impl Iterator<Item = &'a Release> {
    let mut slowest: BTreeMap<&Version, &Release> = BTreeMap::new();
    let manifest = known.published.channel(&minimum.channel);
    for release in manifest.into_iter().flat_map(|manifest| {
        let satisfying = satisfying(manifest, &minimum.model, &minimum.version);
        let stones = stones(enforced, minimum, manifest, known.recoveries);
        satisfying.into_iter().chain(stones)
    }) {
        let kept = slowest.entry(&release.version).or_insert(release);
        if release.rolled_out_at() > kept.rolled_out_at() {
            *kept = release;
        }
    }
    slowest.into_values()
}

/// What those whom the rule locks out install on their way before they satisfy it.
fn stones<'a>(
    enforced: &EnforcedRule,
    minimum: &Minimum,
    manifest: &'a ChannelManifest,
    recoveries: &[Recovery],
) -> Vec<&'a Release> {
    let ways = recoveries.iter().filter(|recovery| {
        (&recovery.who.channel, &recovery.who.model) == (&minimum.channel, &minimum.model)
            && recovery.rules.contains(&enforced.rule.name)
    });
    let steps = ways.flat_map(|recovery| recovery.way.iter().map(|step| (step, &recovery.board)));
    let below: BTreeSet<(&Version, &Board)> =
        steps.filter(|(step, _)| **step < minimum.version).collect();
    let releases = manifest.releases().iter();
    releases
        .filter(|release| below.contains(&(&release.version, &release.board)))
        .collect()
}
