//! The way back of every version that would be locked out: releases that lead out, for each board of the model, and
//! firmware that can ask for them today. Asking needs no capability: it goes over plain HTTP, and rules never withhold it.

use std::collections::BTreeSet;

use anyhow::Result;
use firstlayer_bundle::{Board, Model};
use firstlayer_policy::{EnforcedRule, Facts, Finding, Policy, Release, RuleName, Verdict, Why};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::census::Cohort;
use super::published::Published;
use super::refusal::{Refusal, Who};
use super::trial::{Case, Trial, Tried};
use crate::board;

/// The way back of printers that would be locked out, on one board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Whose.
    #[serde(flatten)]
    pub who: Who,
    /// The rules that lock them out.
    pub rules: Vec<RuleName>,
    /// The board.
    pub board: Board,
    /// The releases that they install one after the other.
    pub way: Vec<Version>,
    /// What their own firmware made of today's repository; or the first step that leads no further.
    pub tried: Tried,
}

/// What ways are looked for in.
pub(crate) struct Search<'a> {
    pub(crate) published: &'a Published,
    /// As if every rule were enforced, and spared nobody.
    pub(crate) policy: &'a Policy,
    pub(crate) boards: &'a [board::Board],
    pub(crate) trial: &'a dyn Trial,
    pub(crate) accept_untried: bool,
    pub(crate) now: Timestamp,
}

impl Search<'_> {
    /// Every way back, and whatever is wrong with one.
    ///
    /// # Errors
    /// When trials cannot be carried out on this machine.
    pub(crate) fn search(
        &self,
        cohorts: &[Cohort<'_>],
        refusals: &mut Vec<Refusal>,
    ) -> Result<Vec<Recovery>> {
        let mut found = Vec::new();
        for cohort in cohorts {
            let ruling = self.policy.decide(&cohort.facts(), self.now);
            let rules: Vec<&EnforcedRule> = ruling
                .findings
                .iter()
                .filter(|finding| locks_out(finding))
                .filter_map(|finding| self.policy.enforcement().rule(finding.rule))
                .collect();
            if rules.is_empty() {
                continue;
            }
            let who = Who {
                channel: cohort.channel.clone(),
                model: cohort.model.clone(),
                version: cohort.version.clone(),
                printers: cohort.printers(),
            };
            self.check_ways(&who, cohort, &rules, refusals);
            found.extend(self.try_boards(&who, cohort, &rules, refusals)?);
        }
        Ok(found)
    }

    fn check_ways(
        &self,
        who: &Who,
        cohort: &Cohort<'_>,
        rules: &[&EnforcedRule],
        refusals: &mut Vec<Refusal>,
    ) {
        let boards = self.boards_of(cohort.model);
        for enforced in rules {
            let rule = &enforced.rule.name;
            let (covered, uncovered): (Vec<&Board>, Vec<&Board>) = boards
                .iter()
                .partition(|board| self.policy.has_way_out(enforced, &on_board(cohort, board)));
            if covered.is_empty() {
                refusals.push(Refusal::NoWay {
                    rule: rule.clone(),
                    who: who.clone(),
                });
                continue;
            }
            refusals.extend(
                uncovered
                    .into_iter()
                    .map(|board| Refusal::HardwareNotCovered {
                        rule: rule.clone(),
                        who: who.clone(),
                        board: board.clone(),
                    }),
            );
        }
    }

    fn try_boards(
        &self,
        who: &Who,
        cohort: &Cohort<'_>,
        rules: &[&EnforcedRule],
        refusals: &mut Vec<Refusal>,
    ) -> Result<Vec<Recovery>> {
        let mut found = Vec::new();
        for board in self.boards_of(cohort.model) {
            let way = self.policy.way(&on_board(cohort, &board));
            let tried = self.try_way(cohort, &board, &way)?;
            refusals.extend(self.refusal(who, &board, &tried));
            found.push(Recovery {
                who: who.clone(),
                rules: rules.iter().map(|one| one.rule.name.clone()).collect(),
                way: way.iter().map(|release| release.version.clone()).collect(),
                board,
                tried,
            });
        }
        Ok(found)
    }

    /// What their own firmware made of it, if every step that has another one after it finds that too; else the first that
    /// fails, or the first that was not tried.
    fn try_way(&self, cohort: &Cohort<'_>, board: &Board, way: &[&Release]) -> Result<Tried> {
        let mut outcome = self.judged(self.attempt(cohort, cohort.version, board)?, way);
        let mut ahead = way.split_first();
        while let Some((step, rest @ [_, ..])) = ahead {
            if matches!(outcome, Tried::Fails { .. }) {
                break;
            }
            let version = &step.version;
            let as_step = |why: &str| format!("as {version}, on its way: {why}");
            match (
                self.judged(self.attempt(cohort, version, board)?, rest),
                &outcome,
            ) {
                (Tried::Fails { why }, _) => outcome = Tried::Fails { why: as_step(&why) },
                (Tried::Untried { why }, Tried::Reads { .. }) => {
                    outcome = Tried::Untried { why: as_step(&why) };
                }
                _ => {}
            }
            ahead = rest.split_first();
        }
        Ok(outcome)
    }

    fn attempt(&self, cohort: &Cohort<'_>, version: &Version, board: &Board) -> Result<Tried> {
        let releases = self.published.channel(cohort.channel);
        let mut releases = releases
            .into_iter()
            .flat_map(|manifest| manifest.releases());
        let archived = releases.find(|release| {
            release.board == *board
                && release.version == *version
                && release.models.contains(cohort.model)
        });
        let Some(release) = archived else {
            return Ok(Tried::Untried {
                why: format!("{} lists no such release", cohort.channel),
            });
        };
        self.trial.attempt(&Case {
            channel: cohort.channel,
            model: cohort.model,
            release,
            bundle: &self.published.bundle(release),
            repository: self.published.folder.path(),
            metadata: self.published.digest,
        })
    }

    /// Firmware that reads everything and would not take the first step is not on its way; unless the step's rollout has
    /// not come to everybody yet, and a printer that nobody can tell apart comes last.
    fn judged(&self, tried: Tried, way: &[&Release]) -> Tried {
        let Tried::Reads { offered } = &tried else {
            return tried;
        };
        let everybody = |step: &&&Release| step.rolled_out_percent(self.now) == 100;
        let Some(step) = way.first().filter(everybody) else {
            return tried;
        };
        if offered.as_ref() == Some(&step.version) {
            return tried;
        }
        let offered = offered
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), Version::to_string);
        Tried::Fails {
            why: format!(
                "it would install {offered}, and the way begins with {}",
                step.version
            ),
        }
    }

    fn refusal(&self, who: &Who, board: &Board, tried: &Tried) -> Option<Refusal> {
        let (who, board) = (who.clone(), board.clone());
        match tried {
            Tried::Reads { .. } => None,
            Tried::Fails { why } => Some(Refusal::CannotRead {
                who,
                board,
                why: why.clone(),
            }),
            Tried::Untried { .. } if self.accept_untried => None,
            Tried::Untried { why } => Some(Refusal::Untried {
                who,
                board,
                why: why.clone(),
            }),
        }
    }

    /// Every board that is described, or was ever released for, with this model: at least the one whose releases made the
    /// minimum.
    fn boards_of(&self, model: &Model) -> BTreeSet<Board> {
        let described = self
            .boards
            .iter()
            .filter(|board| board.models.contains(model))
            .map(|board| board.name.clone());
        let manifests = self.published.channels.iter();
        let released = manifests
            .flat_map(|manifest| manifest.releases())
            .filter(|release| release.models.contains(model))
            .map(|release| release.board.clone());
        described.chain(released).collect()
    }
}

/// It lacks the capability, and is not merely unsigned: that is no matter of versions.
fn locks_out(finding: &Finding<'_>) -> bool {
    let lacks = matches!(finding.verdict, Verdict::UpdateRequired | Verdict::Stranded);
    lacks && finding.why != Why::Unsigned
}

fn on_board<'a>(cohort: &Cohort<'a>, board: &'a Board) -> Facts<'a> {
    Facts {
        board: Some(board),
        ..cohort.facts()
    }
}
