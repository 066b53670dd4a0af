//! The exit codes: the one list that scripts may rely on, and the help text that tells it.

use std::process::ExitCode;

use xtask::problems::Stopped;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Success = 0,
    /// It tried and failed; standard error says why.
    Failed = 1,
    // 2 is clap's, for a command line that cannot be understood.
    /// It looked, and what it was asked about cannot go ahead.
    NotReady = 3,
}

pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  tried and failed; standard error says why
  2  the command line cannot be understood
  3  looked, and it cannot go ahead; the report says what is missing

NO_COLOR turns colour off; progress becomes plain lines where standard error is no terminal.";

impl Exit {
    /// The code for a command that ended in an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<Stopped>() {
            Self::NotReady
        } else {
            Self::Failed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
