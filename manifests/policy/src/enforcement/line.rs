//! The releases of one model on one channel and board, with the way that a printer takes through them worked out once.
//!
//! The same rules as in [`crate::choose`] for a printer that nothing is known of but its version: each step goes to the
//! newest release that it may jump to. A rollout's waves are not waited for: the way is there once they have come.

use firstlayer_bundle::{Board, Counter};
use semver::Version;

use crate::Release;

/// Releases for one board, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) board: Board,
    releases: Vec<Release>,
    /// Where a printer goes from each release; nowhere from the last one that it can reach.
    next: Vec<Option<usize>>,
}

impl Line {
    /// `releases` are sorted by version, and all for this board.
    pub(super) fn new(board: Board, releases: Vec<Release>) -> Self {
        let next = releases
            .iter()
            .map(|from| step(&releases, &from.version, from.counter))
            .collect();
        Self {
            board,
            releases,
            next,
        }
    }

    /// What the channel says of this version.
    pub(super) fn release(&self, version: &Version) -> Option<&Release> {
        let found = self
            .releases
            .binary_search_by(|release| release.version.cmp(version));
        self.releases.get(found.ok()?)
    }

    /// The releases that a printer with this version installs one after the other.
    pub(super) fn way(&self, version: &Version) -> impl Iterator<Item = &Release> {
        let counter = self
            .release(version)
            .map_or(Counter::default(), |release| release.counter);
        let first = step(&self.releases, version, counter);
        // Each step leads to a newer version, so this ends.
        std::iter::successors(first, |at| self.next.get(*at).copied().flatten())
            .filter_map(|at| self.releases.get(at))
    }
}

fn step(releases: &[Release], version: &Version, counter: Counter) -> Option<usize> {
    releases.iter().rposition(|release| {
        release.yanked.is_none()
            && release.version > *version
            && release.counter >= counter
            && release.floor.as_ref().is_none_or(|floor| version >= floor)
    })
}
