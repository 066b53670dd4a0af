//! What may be signed: a plan that was reviewed and comes out the same today, or a withdrawal. Nothing else makes an
//! [`Approved`], and the publication takes nothing else.
//!
//! The reviewed file decides nothing. It is compared with a plan that is computed anew, from what the signer names and
//! what is published, and of which no refusal may be left, at the time of the review nor now.

use anyhow::{Context, Result};
use firstlayer_policy::{EnforcementManifest, RuleName};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::candidate::next;
use super::inputs::Inputs;
use super::plan::{KIND, Plan};
use super::request::Relax;
use super::trial::Trial;
use crate::problems::Problems;

/// A plan that is older is made anew: the census behind it says little about today.
const KEEPS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A manifest that may be signed.
#[derive(Debug)]
pub(crate) struct Approved(EnforcementManifest);

impl Approved {
    /// What may be signed.
    pub(crate) fn manifest(&self) -> &EnforcementManifest {
        &self.0
    }

    /// The plan that was reviewed, if it comes out the same from these inputs, and nothing speaks against it. `None` where
    /// it says nothing new.
    ///
    /// # Errors
    /// [`crate::problems::Stopped`] with everything that speaks against it.
    pub(crate) fn plan(
        reviewed: &Value,
        inputs: &Inputs,
        now: Timestamp,
        trial: &dyn Trial,
    ) -> Result<(Plan, Option<Self>)> {
        let as_of = time_of(reviewed, now)?;
        let plan = Plan::compute(inputs, as_of, trial)?;
        let mut problems = Problems::default();
        let computed = serde_json::to_value(&plan).context("the plan cannot be written")?;
        let differing = differences(reviewed, &computed);
        problems.unless(differing.is_empty(), || {
            format!(
                "the plan is not what its inputs give: {} differ; make it anew with the same options, and review it again",
                differing.join(", ")
            )
        });
        for refusal in &plan.refusals {
            problems.add(refusal.to_string());
        }
        let today = Plan::compute(inputs, now, trial)?;
        for refusal in today
            .refusals
            .iter()
            .filter(|new| !plan.refusals.contains(new))
        {
            problems.add(format!("since the plan was made: {refusal}"));
        }
        problems.unless(today.manifest == plan.manifest, || {
            "the rules come to something else today".to_owned()
        });
        problems.into_result()?;
        let approved = plan.is_new.then(|| Self(plan.manifest.clone()));
        Ok((plan, approved))
    }

    /// The rules in force without one of them, or with a later date for it; and nothing else changed.
    ///
    /// # Errors
    /// [`crate::problems::Stopped`] if there is no such rule, or the date is no later one.
    pub(crate) fn withdrawal(
        in_force: Option<&EnforcementManifest>,
        name: &RuleName,
        why: &str,
        postpone: Option<Timestamp>,
    ) -> Result<Self> {
        let mut problems = Problems::default();
        let rules = in_force.map(EnforcementManifest::rules).unwrap_or_default();
        let rule = rules.iter().find(|enforced| enforced.rule.name == *name);
        problems.unless(rule.is_some(), || {
            let names: Vec<&str> = rules.iter().map(|one| one.rule.name.as_str()).collect();
            match names.is_empty() {
                true => format!("rule {name} is not in force; no rule is"),
                false => format!(
                    "rule {name} is not in force; there are {}",
                    names.join(", ")
                ),
            }
        });
        problems.unless(!why.trim().is_empty(), || "--why is empty".to_owned());
        if let (Some(rule), Some(until)) = (rule, postpone) {
            let date = rule.rule.enforce_from;
            problems.unless(until > date, || {
                format!("rule {name} is enforced from {date} on already; name a later time")
            });
        }
        problems.into_result()?;
        let mut rules = rules.to_vec();
        match postpone {
            None => rules.retain(|enforced| enforced.rule.name != *name),
            Some(until) => rules
                .iter_mut()
                .filter(|enforced| enforced.rule.name == *name)
                .for_each(|enforced| enforced.rule.enforce_from = until),
        }
        let relax = Relax {
            rule: name.clone(),
            why: why.to_owned(),
        };
        let manifest = next(in_force, rules, &[relax])?;
        if let Some(before) = in_force {
            manifest.check_follows(before)?;
        }
        Ok(Self(manifest))
    }
}

/// The time of the review: the one thing that is read from it, and only to be judged.
fn time_of(reviewed: &Value, now: Timestamp) -> Result<Timestamp> {
    let mut problems = Problems::default();
    let text = |key| reviewed.get(key).and_then(Value::as_str);
    problems.unless(text("kind") == Some(KIND), || {
        "the file is no plan of this program; make one with `cargo xtask enforce plan`".to_owned()
    });
    problems.into_result()?;
    let mut problems = Problems::default();
    let as_of: Option<Timestamp> = text("as_of").and_then(|time| time.parse().ok());
    let since = as_of.map(|as_of| now.duration_since(as_of));
    let current = |since: SignedDuration| (SignedDuration::ZERO..=KEEPS).contains(&since);
    problems.unless(since.is_some_and(current), || {
        "the plan is older than a week, or from the future; make it anew".to_owned()
    });
    problems.into_result()?;
    as_of.context("the plan has no time")
}

/// The parts in which two documents differ, two levels deep.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for key in keys(one, other) {
        match (one.get(&key), other.get(&key)) {
            (one, other) if one == other => {}
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                let (one, other) = (one.clone().into(), other.clone().into());
                let inner = keys(&one, &other).into_iter();
                let inner = inner.filter(|inner| one.get(inner) != other.get(inner));
                found.extend(inner.map(|inner| format!("{key}.{inner}")));
            }
            _ => found.push(key),
        }
    }
    found
}

fn keys(one: &Value, other: &Value) -> std::collections::BTreeSet<String> {
    let objects = [one, other].into_iter().filter_map(Value::as_object);
    objects.flat_map(|object| object.keys().cloned()).collect()
}
