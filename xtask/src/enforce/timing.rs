//! Dates: notice given, releases rolled out, grace passed. Pure.

use firstlayer_policy::{EnforcedRule, EnforcementManifest, Minimum};
use jiff::Timestamp;

use super::pace::satisfying;
use super::published::Published;
use super::refusal::{Line, Refusal, Shortfall};
use super::request::Terms;

/// Adds whatever is wrong with a candidate's dates.
pub(crate) fn check(
    candidate: &EnforcementManifest,
    published: &Published,
    terms: &Terms,
    now: Timestamp,
    refusals: &mut Vec<Refusal>,
) {
    for enforced in candidate.rules() {
        let before = published
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
                check_rollout(enforced, minimum, published, terms, now, refusals);
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
    let Some(before) = before else {
        return match warn_from < now {
            true => Some(Shortfall::Backdated { warn_from }),
            false if !in_time(warn_from) => Some(Shortfall::Between {
                warn_from,
                enforce_from,
            }),
            false => None,
        };
    };
    let what = tightened(enforced, before)?;
    (!in_time(now)).then_some(Shortfall::Tightened { enforce_from, what })
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
    published: &Published,
    terms: &Terms,
    now: Timestamp,
    refusals: &mut Vec<Refusal>,
) {
    let enforce_from = enforced.rule.enforce_from.max(now);
    let Some(manifest) = published.channel(&minimum.channel) else {
        return;
    };
    let line = || Line {
        rule: enforced.rule.name.clone(),
        channel: minimum.channel.clone(),
        model: minimum.model.clone(),
    };
    let releases = satisfying(manifest, &minimum.model, &minimum.version);
    // Boards of one version are rolled out together: the slowest one counts.
    let Some(release) = releases
        .into_iter()
        .max_by_key(|release| release.rolled_out_at())
    else {
        return;
    };
    let rolled_out = release.rolled_out_at();
    if terms.grace.after(rolled_out) > enforce_from {
        refusals.push(Refusal::TooSoon {
            line: line(),
            enforce_from: enforced.rule.enforce_from,
            release: release.version.clone(),
            rolled_out,
            grace: terms.grace,
        });
    }
    let percent_then = release.rolled_out_percent(enforce_from);
    if percent_then < 100 {
        refusals.push(Refusal::NotRolledOut {
            line: line(),
            release: release.version.clone(),
            percent_now: release.rolled_out_percent(now),
            percent_then,
        });
    }
}
