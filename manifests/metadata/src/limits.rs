//! Every limit of the client in one place, each with the attack that it stops.

/// What a client accepts at most. The defaults are those of the usual TUF clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a root: endless data in place of a root fills memory.
    pub root: u64,
    /// Bytes of a timestamp, whose length nothing signed foretells: endless data.
    pub timestamp: u64,
    /// Bytes of a snapshot, also where the timestamp states a greater length.
    pub snapshot: u64,
    /// Bytes of a targets role, also where the snapshot states a greater length.
    pub targets: u64,
    /// Delegated roles read for one target: a graph of delegations that never ends.
    pub delegations: usize,
    /// New roots accepted in one refresh: an endless chain of roots.
    pub root_rotations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            root: 512_000,
            timestamp: 16 * 1024,
            snapshot: 2_000_000,
            targets: 5_000_000,
            delegations: 32,
            root_rotations: 256,
        }
    }
}

/// JSON values in one file, before its signatures are looked at: a bomb of small values, of which an unsigned root could
/// hold so many that they fill a printer's memory. Enough for a role with ten thousand targets.
pub(crate) const MOST_VALUES: usize = 50_000;
