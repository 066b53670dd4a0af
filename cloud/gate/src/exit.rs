//! Exit codes, all of them.

use std::process::ExitCode;

use crate::config::ConfigError;

/// How a command ended. The numbers are part of the interface, and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or stopped in good order.
    Done = 0,
    /// It failed for a reason that none of the others names.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The configuration is right, and the repository's rules are not accepted now.
    Rules = 3,
}

/// The codes, for the help text.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped in good order
  1  failed for another reason
  2  wrong command line or configuration
  3  the configuration is right, and the repository's rules are not accepted now";

/// The repository's rules are not accepted.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the repository's rules are not accepted now")]
pub struct NotAccepted;

impl Exit {
    /// The code for an error.
    pub fn of(error: &anyhow::Error) -> Self {
        match error {
            error if error.is::<ConfigError>() => Self::Usage,
            error if error.is::<NotAccepted>() => Self::Rules,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
