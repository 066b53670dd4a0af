//! The printer's limits and rhythms, each with what it stops.

use std::time::Duration;

/// Requests that wait for the printer. Stops a flood from filling the memory: whoever sends more waits.
pub(super) const REQUESTS: usize = 16;
/// Messages that a slow link may be behind. More are forgotten, so that one link cannot fill the memory.
pub(super) const MESSAGES: usize = 256;
/// Questions about updates that wait for one look at the repository. Stops a flood of them from filling the memory.
pub(super) const QUESTIONS: usize = 8;
/// How often the machine is driven.
pub(super) const TICK: Duration = Duration::from_millis(200);
/// Shortest time between two reports, and between two full ones for one audience. Stops a client that asks all the
/// time from keeping the printer busy with answers.
pub(super) const REPORT_GAP: Duration = Duration::from_secs(1);
/// Longest time without a report. Clients think a printer gone after 30 s.
pub(super) const SILENCE: Duration = Duration::from_secs(20);
/// How long the repository's answer is good enough for a list of releases. Stops clients that ask at every connect
/// from making the printer ask the repository as often.
pub(super) const OFFER_FRESH: Duration = Duration::from_secs(10 * 60);
/// When a printer that was just started first looks for updates.
pub(super) const FIRST_CHECK: Duration = Duration::from_secs(60);
/// How often it does from then on.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(12 * 60 * 60);
/// How long the answer to a restart has to reach its client.
pub(super) const RESTART_DELAY: Duration = Duration::from_secs(2);
