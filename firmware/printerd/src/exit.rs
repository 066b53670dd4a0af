//! Exit codes, all of them.

use std::process::ExitCode;

use firstlayer_agent::{AgentError, Fault};

use crate::{
    config::ConfigError,
    service::{AnotherService, console::NoService},
    update::Busy,
    wifi::WifiError,
};

/// How a command ended. The numbers are part of the interface, and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or there was nothing to do.
    Done = 0,
    /// It failed for a reason that none of the others names.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Another update command is at work.
    Busy = 3,
    /// The update is not in a state for this: nothing to confirm, or a reboot is due first.
    State = 4,
    /// The network or the server failed; trying later may help.
    Network = 5,
    /// What the repository offers is refused: not signed, expired, changed, contradictory, not for this printer.
    Refused = 6,
    /// The printer's storage is full or failing.
    Storage = 7,
    /// There are newer releases, and none of them can be installed here; or the one that was asked for cannot.
    NothingFits = 8,
    /// The service does not run, or another one does.
    Service = 9,
}

/// The codes, for the help text.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  failed for another reason
  2  wrong command line or configuration
  3  another update command is at work
  4  not possible in this state: nothing to confirm, or a reboot is due first
  5  the network or the server failed: try again later
  6  refused: not signed, expired, changed, or not for this printer
  7  the printer's storage is full or failing
  8  newer releases exist and none can be installed here, or not the one that was asked for
  9  the service does not run, or another one runs already";

impl Exit {
    /// The code for an error, by whose fault it is.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<Busy>() {
            return Self::Busy;
        }
        if error.is::<NoService>() || error.is::<AnotherService>() {
            return Self::Service;
        }
        if error.is::<ConfigError>() || error.is::<WifiError>() {
            return Self::Usage;
        }
        match error.downcast_ref::<AgentError>().map(AgentError::fault) {
            Some(Fault::Caller) => Self::State,
            Some(Fault::Network) => Self::Network,
            Some(Fault::Repository) => Self::Refused,
            Some(Fault::Storage) => Self::Storage,
            _ => Self::Failed,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code_and_no_other() {
        let listed: Vec<u8> = EXIT_CODES
            .lines()
            .skip(1)
            .map(|line| line.trim().split(' ').next().unwrap().parse().unwrap())
            .collect();
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Busy,
            Exit::State,
            Exit::Network,
            Exit::Refused,
            Exit::Storage,
            Exit::NothingFits,
            Exit::Service,
        ];
        assert_eq!(listed, all.map(Exit::code));
    }
}
