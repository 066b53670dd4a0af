//! The card's limits, each with the attack or the accident that it stops.

use std::time::Duration;

/// Folders in a path. Stops a tree so deep that a walk over it exhausts the stack.
pub const DEPTH: usize = 8;

/// Bytes of one name. Leaves room for the prefix of a partial file within the 255 bytes of most file systems.
pub const NAME_BYTES: usize = 240;

/// Bytes of a path. Stops names that cost more to log and to send than the files they name.
pub const PATH_BYTES: usize = 1024;

/// Bytes that are written between two looks at the free space: a look costs a system call.
pub(crate) const SPACE_STEP: u64 = 1 << 20;

/// How much may lie on the card.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CardLimits {
    /// Bytes of one file. Stops an upload without end.
    pub largest_file: u64,
    /// Bytes that uploads leave free. Stops an upload from taking the space that the printer's own records need.
    pub keep_free: u64,
    /// Names in one folder. Stops a million empty files that make every listing slow and large.
    pub entries: usize,
    /// How long an upload that was cut off can be resumed. Stops forgotten pieces from filling the card unseen.
    pub partial_age: Duration,
}

impl Default for CardLimits {
    fn default() -> Self {
        Self {
            largest_file: 2 << 30,
            keep_free: 16 << 20,
            entries: 8192,
            partial_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}
