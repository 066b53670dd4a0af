//! The owner's wishes: kept in the record, put to the policy, and obeyed at once where something waits for its reboot.
//! They never touch what runs, and never loosen a rule.

use firstlayer_policy::{Postponement, Wishes};
use jiff::Timestamp;
use semver::Version;

use crate::{Agent, AgentError, Event, Record};

/// Skipped versions that are remembered; the oldest wish is forgotten first, so that the record stays bounded.
const MOST_SKIPPED: usize = 32;

impl Agent<'_> {
    /// Has a version not offered any more, or every version offered again. What waits for its reboot is taken back if it is
    /// of that version. Gives the versions that are skipped, oldest wish first.
    pub fn skip(&mut self, version: Option<&Version>) -> Result<&[Version], AgentError> {
        self.settle()?;
        self.amend(|record| match version {
            Some(version) => record.skip(version),
            None => record.skipped.clear(),
        })?;
        let waits = |agent: &Self| agent.waiting().map(|target| target.version.clone());
        if version.is_some() && waits(self).as_ref() == version {
            self.withdraw()?;
            self.step(Event::NothingToDo, |_| {})?;
        }
        Ok(&self.record.skipped)
    }

    /// Has nothing offered for a time, or no longer so. What waits for its reboot waits on. Gives the time when updates
    /// are offered again.
    pub fn postpone(
        &mut self,
        postponement: Option<Postponement>,
    ) -> Result<Option<Timestamp>, AgentError> {
        self.settle()?;
        let until = postponement.map(|postponement| postponement.ends(self.now()));
        self.amend(|record| record.postponed_until = until)?;
        Ok(until)
    }

    /// The wishes as they stand now, with the version that is asked for.
    pub(crate) fn wishes(&self, version: Option<&Version>) -> Wishes {
        let now = self.now();
        // Further away than anyone may postpone: the clock ran ahead when it was said.
        let latest = Postponement::LONGEST.ends(now);
        let until = self.record.postponed_until;
        Wishes {
            version: version.cloned(),
            skipped: self.record.skipped.clone(),
            postponed_until: until.filter(|until| *until > now && *until <= latest),
        }
    }
}

impl Record {
    fn skip(&mut self, version: &Version) {
        self.skipped.retain(|other| other != version);
        self.skipped.push(version.clone());
        let excess = self.skipped.len().saturating_sub(MOST_SKIPPED);
        self.skipped.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_skipped_versions_is_bounded_and_names_each_once() {
        let mut record = Record::default();
        for patch in 0..40 {
            record.skip(&Version::new(1, 0, patch));
            record.skip(&Version::new(1, 0, patch));
        }
        assert_eq!(record.skipped.len(), MOST_SKIPPED);
        assert_eq!(record.skipped.first(), Some(&Version::new(1, 0, 8)));
    }
}
