//! What a printer should run, and what it is refused: facts in, decisions with every reason out.
//!
//! This crate reads channel manifests and says which release a printer may install, and why it may not install the
//! others; it reads rules and says which printers lack what they require, and which way leads out. It opens no file, no socket, and reads no clock: bytes come in, a decision goes out.

#![forbid(unsafe_code)]

mod capability;
mod channel;
mod choose;
mod commit;
mod enforcement;
mod error;
mod release;
mod running;
#[cfg(test)]
mod testing;
mod wave;
mod wishes;

pub use capability::{Capability, EvidenceTarget};
pub use channel::{Channel, ChannelManifest, Limits};
pub use choose::{
    Choice, Decision, OnRequest, PassedOver, Printer, Reason, choose, on_request, path, stands,
};
pub use commit::{Commit, NoCommit};
pub use enforcement::{
    EnforcedRule, EnforcementManifest, Exemption, Facts, Feature, FeatureError, Finding, Loosening,
    Minimum, Policy, Relaxation, Report, Rule, RuleName, Rules, Ruling, Scope, ScopedRule,
    Uncovered, Verdict, Why,
};
pub use error::PolicyError;
pub use release::{BundleTarget, Release};
pub use running::RunningRelease;
pub use wave::{Turn, Wave};
pub use wishes::{NoPostponement, Postponement, Wishes};
