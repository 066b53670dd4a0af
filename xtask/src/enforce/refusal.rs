//! Why rules are not enforced as they stand. Each is found, all are told, and each says what to do.

mod words;

use firstlayer_bundle::{Board, Model};
use firstlayer_policy::{Capability, Channel, RuleName};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::request::Budget;
use crate::period::Period;
use crate::probe::EvidenceProblem;

/// Printers of one version of one model on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// The channel.
    pub channel: Channel,
    /// The model.
    pub model: Model,
    /// The version.
    pub version: Version,
    /// How many the census has.
    pub printers: u64,
}

/// A rule and the printers of one model on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The rule.
    pub rule: RuleName,
    /// The channel.
    pub channel: Channel,
    /// The model.
    pub model: Model,
}

/// Why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum Refusal {
    /// More printers in use would be refused on their day than are allowed to be.
    BeyondBudget {
        /// How many.
        lost: u64,
        /// The budget as it was given.
        budget: Budget,
        /// How many that allows.
        allowed: u64,
    },
    /// No releases lead to one that satisfies the rule.
    NoWay {
        /// The rule.
        rule: RuleName,
        /// Whom it would lock out.
        who: Who,
    },
    /// The model has a board for which no releases lead out.
    HardwareNotCovered {
        /// The rule.
        rule: RuleName,
        /// Whom it would lock out.
        who: Who,
        /// The board.
        board: Board,
    },
    /// The version's own firmware cannot read what is published today.
    CannotRead {
        /// Whom it would lock out.
        who: Who,
        /// On which board it was tried.
        board: Board,
        /// What it said.
        why: String,
    },
    /// Nobody knows whether the version's own firmware can read what is published today.
    Untried {
        /// Whom it would lock out.
        who: Who,
        /// For which board.
        board: Board,
        /// Why it was not tried.
        why: String,
    },
    /// The date comes before printers had the release for long enough.
    TooSoon {
        /// The rule, for whom.
        line: Line,
        /// The date.
        enforce_from: Timestamp,
        /// The release that they need.
        release: Version,
        /// When its last wave begins.
        rolled_out: Timestamp,
        /// How long they are to have.
        grace: Period,
    },
    /// On the date not every printer is offered the release.
    NotRolledOut {
        /// The rule, for whom.
        line: Line,
        /// The release that they need.
        release: Version,
        /// Of a hundred printers, how many are offered it now.
        percent_now: u8,
        /// How many on the date.
        percent_then: u8,
    },
    /// No release on offer has the capability.
    Uncovered {
        /// The rule, for whom.
        line: Line,
        /// What is lacking.
        capability: Capability,
    },
    /// A release claims the capability, and the evidence does not bear it out.
    Evidence {
        /// The rule that relies on it.
        rule: RuleName,
        /// The channel of the release.
        channel: Channel,
        /// The release.
        version: Version,
        /// Its board.
        board: Board,
        /// What is wrong with the evidence.
        problem: EvidenceProblem,
    },
    /// Printers are warned too shortly before, or not at all.
    ShortNotice {
        /// The rule.
        rule: RuleName,
        /// What about it.
        shortfall: Shortfall,
        /// How much notice is due.
        notice: Period,
    },
    /// It demands less than what is in force, and nobody said why.
    Loosened {
        /// The rule.
        rule: RuleName,
        /// What is loosened.
        what: String,
    },
}

/// How notice falls short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortfall {
    /// Too little time lies between warning and enforcing.
    Between {
        /// From when on it warns.
        warn_from: Timestamp,
        /// From when on it enforces.
        enforce_from: Timestamp,
    },
    /// It was never announced, and its warning would begin in the past.
    Backdated {
        /// From when on it would warn.
        warn_from: Timestamp,
    },
    /// It was announced, and now demands more within the time of notice.
    Tightened {
        /// From when on it enforces.
        enforce_from: Timestamp,
        /// What it demands more.
        what: String,
    },
}
