//! The one table that says what may follow what. It knows no file, no slot and no network.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an update stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing is under way.
    #[default]
    Idle,
    /// The repository is being asked.
    Checking,
    /// A release is being written to the inactive slot.
    Downloading,
    /// The slot is written, and is being read back.
    Installing,
    /// The slot is blessed; the next boot tries it.
    PendingReboot,
    /// The new release runs, and has not proved itself.
    Trial,
    /// The new release proved itself.
    Confirmed,
    /// The new release was given up; the old one runs, or will after a reboot.
    RolledBack,
}

/// What happens to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A check begins. After a kill it begins again where nothing is blessed yet. What waits for its reboot waits on.
    Check,
    /// The check found nothing to install, or only what waits already.
    NothingToDo,
    /// What waits for its reboot is not to be tried any more: it was taken back, or another one takes its place.
    Withdraw,
    /// The check found a release, and it is to be installed.
    Choose,
    /// Every frame is in the slot.
    Write,
    /// The slot was read back, compared and blessed.
    Bless,
    /// A check or an install failed; the slot is not blessed.
    Fail,
    /// The printer came up in the new release.
    BootTarget,
    /// The boot loader gave the new release up.
    FallBack,
    /// The new release proved itself.
    Confirm,
    /// Somebody wants the old release back.
    Rollback,
}

/// An event that the state does not allow: the caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not possible while the update is {state}")]
pub struct Refused {
    /// Where the update stands.
    pub state: State,
    /// What was asked for.
    pub event: Event,
}

/// The state after `event`, or why it cannot be.
pub fn next(state: State, event: Event) -> Result<State, Refused> {
    match (state, event) {
        (State::Idle | State::Confirmed | State::RolledBack, Event::Check) => Ok(State::Checking),
        (State::Checking | State::Downloading | State::Installing, Event::Check) => {
            Ok(State::Checking)
        }
        (State::Checking, Event::NothingToDo) => Ok(State::Idle),
        (State::Checking, Event::Choose) => Ok(State::Downloading),
        (State::Downloading, Event::Write) => Ok(State::Installing),
        (State::Installing, Event::Bless) => Ok(State::PendingReboot),
        (State::Checking | State::Downloading | State::Installing, Event::Fail) => Ok(State::Idle),
        (State::PendingReboot, Event::Check | Event::NothingToDo | Event::Fail) => {
            Ok(State::PendingReboot)
        }
        (State::PendingReboot, Event::Withdraw) => Ok(State::Checking),
        (State::PendingReboot, Event::BootTarget) => Ok(State::Trial),
        (State::PendingReboot | State::Trial, Event::FallBack) => Ok(State::RolledBack),
        (State::PendingReboot | State::Trial, Event::Rollback) => Ok(State::RolledBack),
        (State::Trial, Event::Confirm) => Ok(State::Confirmed),
        (state, event) => Err(Refused { state, event }),
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Checking,
        Self::Downloading,
        Self::Installing,
        Self::PendingReboot,
        Self::Trial,
        Self::Confirmed,
        Self::RolledBack,
    ];
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 11] = [
        Self::Check,
        Self::NothingToDo,
        Self::Withdraw,
        Self::Choose,
        Self::Write,
        Self::Bless,
        Self::Fail,
        Self::BootTarget,
        Self::FallBack,
        Self::Confirm,
        Self::Rollback,
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Checking => "checking",
            Self::Downloading => "downloading",
            Self::Installing => "installing",
            Self::PendingReboot => "pending reboot",
            Self::Trial => "on trial",
            Self::Confirmed => "confirmed",
            Self::RolledBack => "rolled back",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check => "a check",
            Self::NothingToDo => "ending a check",
            Self::Withdraw => "taking a release back",
            Self::Choose => "choosing a release",
            Self::Write => "ending a download",
            Self::Bless => "blessing a slot",
            Self::Fail => "giving up an install",
            Self::BootTarget => "a boot into the new release",
            Self::FallBack => "a fall back",
            Self::Confirm => "a confirmation",
            Self::Rollback => "a rollback",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, as a drawing: a row for each state, a column for each event in the order of `Event::ALL`.
    #[rustfmt::skip]
    const TABLE: [(State, [&str; 11]); 8] = [
        //                      check             nothing           withdraw    choose         write         bless             fail              boot        fallback       confirm      rollback
        (State::Idle,          ["checking",       "",               "",         "",            "",           "",               "",               "",         "",            "",          ""]),
        (State::Checking,      ["checking",       "idle",           "",         "downloading", "",           "",               "idle",           "",         "",            "",          ""]),
        (State::Downloading,   ["checking",       "",               "",         "",            "installing", "",               "idle",           "",         "",            "",          ""]),
        (State::Installing,    ["checking",       "",               "",         "",            "",           "pending reboot", "idle",           "",         "",            "",          ""]),
        (State::PendingReboot, ["pending reboot", "pending reboot", "checking", "",            "",           "",               "pending reboot", "on trial", "rolled back", "",          "rolled back"]),
        (State::Trial,         ["",               "",               "",         "",            "",           "",               "",               "",         "rolled back", "confirmed", "rolled back"]),
        (State::Confirmed,     ["checking",       "",               "",         "",            "",           "",               "",               "",         "",            "",          ""]),
        (State::RolledBack,    ["checking",       "",               "",         "",            "",           "",               "",               "",         "",            "",          ""]),
    ];

    #[test]
    fn every_state_meets_every_event_as_drawn() {
        assert_eq!(TABLE.map(|(state, _)| state), State::ALL);
        for (state, row) in TABLE {
            for (event, wanted) in Event::ALL.into_iter().zip(row) {
                let found = next(state, event)
                    .map(|state| state.to_string())
                    .unwrap_or_default();
                assert_eq!(found, wanted, "{event} while {state}");
            }
        }
    }

    #[test]
    fn only_a_blessed_slot_is_booted_and_only_a_trial_is_confirmed() {
        for state in State::ALL {
            assert_eq!(next(state, Event::Confirm).is_ok(), state == State::Trial);
            assert_eq!(
                next(state, Event::BootTarget).is_ok(),
                state == State::PendingReboot
            );
            assert_eq!(
                next(state, Event::Bless).is_ok(),
                state == State::Installing
            );
        }
    }
}
