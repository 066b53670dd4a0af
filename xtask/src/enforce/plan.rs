//! The plan: what would be signed, whom it hits, and what stands in its way. Computed from its inputs and a time, and from
//! nothing else; the same inputs give the same plan.

use anyhow::{Context, Result};
use firstlayer_bundle::Sha256;
use firstlayer_policy::{EnforcementManifest, Policy};
use jiff::Timestamp;
use serde::Serialize;

use super::candidate::{Candidate, enforced_now};
use super::census::{Calendar, Cohort};
use super::impact::{Assessment, Impact};
use super::inputs::Inputs;
use super::pace::{Pace, satisfying};
use super::published::Published;
use super::recovery::{Recovery, Search};
use super::refusal::{Line, Refusal};
use super::request::Terms;
use super::timing;
use super::trial::Trial;
use crate::probe;

/// What the file of a plan says that it is.
pub(crate) const KIND: &str = "firstlayer-enforcement-plan-1";

/// A plan. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// What this document is.
    pub kind: &'static str,
    /// The time that it was computed for.
    pub as_of: Timestamp,
    /// What it was computed from.
    pub read: Digests,
    /// What it was allowed to do.
    pub terms: Terms,
    /// Whether the manifest says anything that is not in force already.
    pub is_new: bool,
    /// What would be signed.
    pub manifest: EnforcementManifest,
    /// Whom it hits.
    pub impact: Impact,
    /// How fast printers come to each minimum.
    pub paces: Vec<Pace>,
    /// The way back of every version that would be locked out.
    pub recoveries: Vec<Recovery>,
    /// Why it is not to be signed; nothing, if it is.
    pub refusals: Vec<Refusal>,
}

/// Digests of everything that a plan was computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digests {
    /// The rules' file.
    pub rules: Sha256,
    /// The census.
    pub census: Sha256,
    /// What is published.
    pub repository: Sha256,
    /// What firmware there is for which hardware.
    pub boards: Sha256,
}

impl Plan {
    /// Computes it.
    ///
    /// # Errors
    /// When the rules make no manifest, or trials cannot be carried out on this machine.
    pub(crate) fn compute(inputs: &Inputs, as_of: Timestamp, trial: &dyn Trial) -> Result<Self> {
        let (published, terms) = (&inputs.ground.published, &inputs.request.terms);
        let in_force = published.in_force.as_ref();
        let candidate =
            Candidate::derive(&inputs.rules, &published.channels, in_force, &terms.relax)?;
        let calendar = Calendar::new(as_of, terms.silent_after);
        let cohorts = inputs.census.cohorts(calendar);
        let manifest = &candidate.manifest;
        let mut refusals = stated(&candidate, inputs);
        check_evidence(manifest, published, &mut refusals);
        let policy = |manifest| Policy::new(&published.channels, manifest);
        let search = Search {
            published,
            policy: &policy(enforced_now(manifest, as_of, false)?),
            boards: &inputs.boards,
            trial,
            accept_untried: terms.accept_untried,
            now: as_of,
        };
        let recoveries = search.search(&cohorts, &mut refusals)?;
        let known = timing::Known {
            published,
            recoveries: &recoveries,
            terms,
            now: as_of,
        };
        timing::check(manifest, &known, &mut refusals);
        let paces = paces(manifest, published, &cohorts, calendar, as_of);
        let assessment = Assessment {
            enforced: &policy(enforced_now(manifest, as_of, true)?),
            candidate: &policy(manifest.clone()),
            paces: &paces,
            calendar,
            now: as_of,
        };
        let impact = assessment.impact(&cohorts);
        refusals.extend(over_budget(&impact, terms));
        Ok(Self {
            kind: KIND,
            as_of,
            read: digests(inputs)?,
            terms: terms.clone(),
            is_new: candidate.is_new,
            manifest: candidate.manifest,
            impact,
            paces,
            recoveries,
            refusals,
        })
    }
}

fn digests(inputs: &Inputs) -> Result<Digests> {
    let boards = serde_json::to_vec(&inputs.boards).context("the boards cannot be written")?;
    Ok(Digests {
        rules: inputs.rules_digest,
        census: inputs.census.digest,
        repository: inputs.ground.published.digest,
        boards: Sha256::of(&boards),
    })
}

/// What the candidate itself says.
fn stated(candidate: &Candidate, inputs: &Inputs) -> Vec<Refusal> {
    let loosened = candidate.silent.iter().map(|found| Refusal::Loosened {
        rule: found.rule.clone(),
        what: found.what.clone(),
    });
    let uncovered = candidate.uncovered.iter().filter_map(|without| {
        let mut rules = inputs.rules.iter();
        let scoped = rules.find(|scoped| scoped.rule.name == without.rule)?;
        Some(Refusal::Uncovered {
            line: Line {
                rule: without.rule.clone(),
                channel: without.channel.clone(),
                model: without.model.clone(),
            },
            capability: scoped.rule.capability.clone(),
        })
    });
    loosened.chain(uncovered).collect()
}

/// Each release that makes a minimum what it is must have evidence that holds.
fn check_evidence(
    manifest: &EnforcementManifest,
    published: &Published,
    refusals: &mut Vec<Refusal>,
) {
    for enforced in manifest.rules() {
        for channel in &published.channels {
            let relied_on = channel.releases().iter().filter(|release| {
                let minimums = release
                    .models
                    .iter()
                    .filter_map(|model| enforced.minimum(channel.channel(), model));
                release.can(&enforced.rule.capability)
                    && minimums
                        .into_iter()
                        .any(|minimum| release.version >= *minimum)
            });
            for release in relied_on {
                let named = release.evidence.as_ref();
                let file = named.and_then(|named| published.evidence.get(&named.target));
                let checked = probe::check_evidence(
                    release,
                    &enforced.rule.capability,
                    file.map(Vec::as_slice),
                );
                refusals.extend(checked.err().map(|problem| Refusal::Evidence {
                    rule: enforced.rule.name.clone(),
                    channel: channel.channel().clone(),
                    version: release.version.clone(),
                    board: release.board.clone(),
                    problem,
                }));
            }
        }
    }
}

fn paces(
    manifest: &EnforcementManifest,
    published: &Published,
    cohorts: &[Cohort<'_>],
    calendar: Calendar,
    now: Timestamp,
) -> Vec<Pace> {
    let mut paces: Vec<Pace> = Vec::new();
    for minimum in manifest.rules().iter().flat_map(|rule| &rule.minimums) {
        let line = (&minimum.channel, &minimum.model, &minimum.version);
        let known = paces
            .iter()
            .any(|pace| (&pace.channel, &pace.model, &pace.minimum) == line);
        let releases = published
            .channel(&minimum.channel)
            .map(|channel| satisfying(channel, &minimum.model, &minimum.version));
        let release = releases.and_then(|releases| releases.first().copied());
        if let Some(release) = release.filter(|_| !known) {
            paces.push(Pace::measure(cohorts, release, line, calendar, now));
        }
    }
    paces
}

fn over_budget(impact: &Impact, terms: &Terms) -> Option<Refusal> {
    let (lost, budget) = (impact.total.lost_in_use, terms.max_lockout);
    let allowed = budget.printers(impact.total.in_use);
    (lost > allowed).then_some(Refusal::BeyondBudget {
        lost,
        budget,
        allowed,
    })
}
