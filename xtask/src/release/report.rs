//! What a release did, for people and for machines from the same value.

use std::fmt;

use firstlayer_bundle::{Board, Sha256};
use serde::Serialize;

use super::Plan;
use super::execute::MadeBundle;
use crate::problems::Problems;

/// The report of `cargo xtask release`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What was to be done.
    pub plan: Plan,
    /// What stands in the way of a plan that was only printed.
    pub problems: Problems,
    /// The bundles that were made.
    pub bundles: Vec<Made>,
}

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Only planned.
    Planned,
    /// Everything was as planned already.
    Unchanged,
    /// Metadata near its expiry, or changed, was signed again; no new release.
    Renewed,
    /// A new release is published and verified.
    Released,
}

/// A bundle that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// For which board.
    pub board: Board,
    /// The target's name.
    pub target: String,
    /// Bytes of the bundle.
    pub length: u64,
    /// Hash of the bundle.
    pub sha256: Sha256,
    /// Bytes of the image in it.
    pub image: u64,
}

impl From<&MadeBundle> for Made {
    fn from(made: &MadeBundle) -> Self {
        Self {
            board: made.board.board.clone(),
            target: made.board.bundle.clone(),
            length: made.written.length,
            sha256: made.written.sha256,
            image: made.image,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        match self.outcome {
            Outcome::Planned if self.problems.is_empty() => write!(f, "{plan}"),
            Outcome::Planned => writeln!(f, "{plan}\nIt cannot go ahead: {}", self.problems),
            Outcome::Unchanged => {
                writeln!(
                    f,
                    "{} is published in {} already; there was nothing to do.",
                    plan.version, plan.repository
                )
            }
            Outcome::Renewed => {
                writeln!(
                    f,
                    "Signed again, published in {} and verified:",
                    plan.repository
                )?;
                plan.signings
                    .iter()
                    .try_for_each(|signing| writeln!(f, "  {signing}"))
            }
            Outcome::Released => self.released(f),
        }
    }
}

impl Report {
    fn released(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        writeln!(
            f,
            "Released {} to {} (counter {}), published in {} and verified as a printer does.",
            plan.version, plan.channel, plan.counter, plan.repository
        )?;
        for made in &self.bundles {
            writeln!(
                f,
                "  {}  {} bytes, image {}  sha256 {}",
                made.target, made.length, made.image, made.sha256
            )?;
        }
        if plan.environment == super::Environment::Development {
            writeln!(
                f,
                "Signed by development keys: production firmware refuses it."
            )?;
        }
        Ok(())
    }
}
