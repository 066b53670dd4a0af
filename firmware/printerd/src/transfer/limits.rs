//! What a download takes, each with what it stops. The size of a file is the card's limit.

use std::time::Duration;

use crate::backoff::Backoff;

/// How patient a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Time in which something must come. Stops a server that accepts and says nothing.
    pub stall: Duration,
    /// Failures in a row before it is given up, and bodies from the first byte. Bytes that can be gone on behind end a
    /// row. Stops a server that cuts every body, and says of none which file it is of or says something else each time.
    pub attempts: u32,
    /// Waits between them.
    pub backoff: Backoff,
    /// The longest wait on a server's word. Stops a server that puts the printer to sleep for a year.
    pub longest_on_request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            attempts: 6,
            backoff: Backoff {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
            },
            longest_on_request: Duration::from_secs(120),
        }
    }
}

/// A body that brings less in a stall's time is given up, and one that is cut before it counts as none. Stops a trickle
/// that would keep a job waiting for a day.
pub(super) const SLOWEST: u64 = 4096;
/// Redirects that are followed. Stops a circle of them.
pub(super) const REDIRECTS: usize = 5;
/// Bytes that are read of an answer that is no file. Stops an error page without end.
pub(super) const EXPLANATION: usize = 8 << 10;
/// Characters that are shown of what a server says. Stops a report full of somebody else's words.
pub(super) const WORDS: usize = 200;
/// Bytes of a file's own name in its name on the card.
pub(super) const NAME: usize = 80;
