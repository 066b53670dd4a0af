//! Refusals as people read them: what is wrong, a semicolon, and what to do.

use std::fmt;

use super::{Line, Refusal, Shortfall, Who};

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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeyondBudget {
                lost,
                budget,
                allowed,
            } => write!(
                f,
                "{lost} printers in use are expected to be refused on the date, or when their exemption ends, and --max-lockout {budget} allows {allowed}; set a later date, or allow as many as may be cut off"
            ),
            Self::NoWay { rule, who } => write!(
                f,
                "{rule} would lock out {who}, and no releases lead from there to one that satisfies it; publish one that may be jumped to, or a stepping stone"
            ),
            Self::HardwareNotCovered { rule, who, board } => write!(
                f,
                "{rule} would lock out {who}, and for those with board {board} no releases lead out; release for that board, or take the model out of the rule"
            ),
            Self::CannotRead { who, board, why } => write!(
                f,
                "{who} would be locked out, and its own firmware for {board} cannot check for updates today: {why}; publish so that it can, or take the model out of the rule"
            ),
            Self::Untried { who, board, why } => write!(
                f,
                "{who} would be locked out, and whether its own firmware for {board} can check for updates today was not tried: {why}; bring its bundle back into the repository, or take the risk with --accept-untried"
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
