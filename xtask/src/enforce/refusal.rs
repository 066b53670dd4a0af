//! Why rules are not enforced as they stand. Each is found, all are told, and each says what to do.

use std::fmt;

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
#[non_exhaustive]
pub enum Refusal {
    /// More printers in use would be refused on the day than are allowed to be.
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
        /// The board; none if no board is known to have this model.
        board: Option<Board>,
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
        board: Option<Board>,
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

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} on {} ({} printers)",
            self.version, self.model, self.channel, self.printers
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, for {} on {}", self.rule, self.model, self.channel)
    }
}

/// What is wrong; then what to do.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeyondBudget {
                lost,
                budget,
                allowed,
            } => write!(
                f,
                "{lost} printers in use are expected to be refused on the date, and --max-lockout {budget} allows {allowed}; set a later date, or allow as many as may be cut off"
            ),
            Self::NoWay { rule, who } => write!(
                f,
                "{rule} would lock out {who}, and no releases lead from there to one that satisfies it; publish one that may be jumped to, or a stepping stone"
            ),
            Self::HardwareNotCovered { rule, who, board } => match board {
                Some(board) => write!(
                    f,
                    "{rule} would lock out {who}, and for those with board {board} no releases lead out; release for that board"
                ),
                None => write!(
                    f,
                    "{rule} would lock out {who}, and no board is known to have that model; describe it in firmware/boards/, or take the model out of the rule"
                ),
            },
            Self::CannotRead { who, board, why } => write!(
                f,
                "{who} would be locked out, and its own firmware for {board} cannot check for updates today: {why}; publish so that it can, or spare it by an exemption"
            ),
            Self::Untried { who, board, why } => write!(
                f,
                "{who} would be locked out, and whether its own firmware{} can check for updates today was not tried: {why}; bring its bundle back into the repository, or take the risk with --accept-untried",
                board
                    .as_ref()
                    .map_or_else(String::new, |board| format!(" for {board}"))
            ),
            Self::TooSoon {
                line,
                enforce_from,
                release,
                rolled_out,
                grace,
            } => write!(
                f,
                "{line}: enforced from {enforce_from} on, and the last wave of {release} begins at {rolled_out}; set enforce_from to {} or later ({grace} of grace)",
                grace.after(*rolled_out)
            ),
            Self::NotRolledOut {
                line,
                release,
                percent_now,
                percent_then,
            } => write!(
                f,
                "{line}: {release} is offered to {percent_now} of 100 printers now and to {percent_then} on the date; set the date after its last wave"
            ),
            Self::Uncovered { line, capability } => write!(
                f,
                "{line}: no release on offer has {capability}; publish one that was measured to have it, or name in the rule those that it is for"
            ),
            Self::Evidence {
                rule,
                channel,
                version,
                board,
                problem,
            } => write!(
                f,
                "{rule} relies on {version} for {board} on {channel}, and {problem}; yank that release, and publish one whose evidence holds"
            ),
            Self::ShortNotice {
                rule,
                shortfall,
                notice,
            } => {
                write!(f, "{rule}: {shortfall}; ")?;
                match shortfall {
                    Shortfall::Between { warn_from, .. } => write!(
                        f,
                        "set enforce_from to {} or later ({notice} of notice)",
                        notice.after(*warn_from)
                    ),
                    Shortfall::Backdated { .. } => {
                        f.write_str("set warn_from to a time that has not come yet")
                    }
                    Shortfall::Tightened { .. } => write!(
                        f,
                        "set enforce_from {notice} from now or later, or make it a rule of its own"
                    ),
                }
            }
            Self::Loosened { rule, what } => write!(
                f,
                "{rule} would be loosened without saying so: {what}; say why with --relax {rule} --why TEXT, or take it back with `cargo xtask enforce withdraw {rule} --why TEXT`"
            ),
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between {
                warn_from,
                enforce_from,
            } => {
                write!(
                    f,
                    "it warns from {warn_from} on and enforces from {enforce_from} on"
                )
            }
            Self::Backdated { warn_from } => write!(
                f,
                "it was never announced, and would have warned since {warn_from}"
            ),
            Self::Tightened { enforce_from, what } => {
                write!(f, "{what}, and it is enforced from {enforce_from} on")
            }
        }
    }
}
