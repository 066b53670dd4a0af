//! Enforcement: which capability is required from when on, and what each printer is told.
//!
//! [`Rules`] are what people review; with the channel manifests they become the [`EnforcementManifest`], whose minimums
//! are derived and never typed; that is signed, and a [`Policy`] made of it decides about printers. Updates are never
//! withheld: a rule that names them is refused wherever it is read.

mod decide;
mod line;
mod manifest;
mod minimum;
mod rule;
mod rules;
mod succession;
#[cfg(test)]
mod tests;

pub use decide::{Facts, Finding, Policy, Report, Ruling, Verdict, Why};
pub use manifest::{EnforcedRule, EnforcementManifest, Relaxation};
pub use minimum::{Minimum, Uncovered};
pub use rule::{Exemption, Feature, FeatureError, Rule, RuleName};
pub use rules::{Rules, Scope, ScopedRule};
pub use succession::Loosening;
