//! A gate's rules over a repository, and what is true of them at a time that a test chooses.

use std::sync::Arc;

use firstlayer_gate::metadata::{Change, Keeper, Origin, RefreshError, Source, Standing};
use jiff::Timestamp;

use crate::repository::{Repository, releases};

pub(crate) const PAST: &str = "2021-01-01T00:00:00Z";

/// A gate's rules: a repository, and what the gate keeps.
pub(crate) struct Rules {
    pub(crate) repository: Repository,
    pub(crate) state: tempfile::TempDir,
    pub(crate) keeper: Keeper,
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

impl Rules {
    /// In force, if they are acceptable.
    pub(crate) fn new(repository: Repository) -> Self {
        let state = tempfile::tempdir().unwrap();
        let keeper = opened(&repository, &state);
        Self {
            repository,
            state,
            keeper,
        }
    }

    /// The rule of revision 1, in force.
    pub(crate) fn good() -> Self {
        let mut rules = Self::new(Repository::with_rule(&releases(), PAST));
        assert_eq!(rules.refresh().unwrap(), Change::New);
        rules
    }

    pub(crate) fn refresh(&mut self) -> Result<Change, RefreshError> {
        self.keeper.refresh(at("2030-01-01T00:00:00Z"))
    }

    pub(crate) fn revision(&self) -> Option<u64> {
        Some(self.keeper.standing().in_force()?.revision())
    }

    pub(crate) fn alarm(&self) -> String {
        let alarm = self.keeper.standing().alarm(at("2030-01-01T00:00:00Z"));
        alarm.map_or(String::new(), |alarm| alarm.why)
    }

    /// What the repository has now is refused, with these words, and revision 1 stays in force.
    pub(crate) fn refuses(&mut self, told: &str) {
        self.refresh().unwrap_err();
        assert!(self.alarm().contains(told), "{}", self.alarm());
        assert_eq!(self.revision(), Some(1));
    }
}

pub(crate) fn opened(repository: &Repository, state: &tempfile::TempDir) -> Keeper {
    let origin = Origin {
        source: Source::Folder(repository.folder.path().to_owned()),
        anchor: repository.anchor(),
        channels: vec!["stable".parse().unwrap(), "beta".parse().unwrap()],
    };
    Keeper::open(
        origin,
        state.path(),
        Arc::new(Standing::default()),
        at(PAST),
    )
}
