//! Every limit of the gate in one place, each with the attack that it stops.

use std::time::Duration;

/// Bytes of a signed document: endless data in place of the rules.
pub(crate) const DOCUMENT: u64 = 8 << 20;
/// Bytes of a file that the gate itself keeps: a damaged disk that never ends.
pub(crate) const KEPT: u64 = 128 << 20;
/// For one file of the repository: a server that lets bytes drip and so holds back every later rule.
pub(crate) const FETCH: Duration = Duration::from_secs(60);
/// In which a server has to answer: one that accepts and is silent.
pub(crate) const FETCH_PAUSE: Duration = Duration::from_secs(30);

/// Bytes of a request's body: one that fills the memory. A thousand printers take a third of it.
pub(crate) const BODY: usize = 1 << 20;
/// Printers in one request: one small request that makes a core work for a second.
pub(crate) const BATCH: usize = 1000;
/// Bytes of a request's head: endless headers.
pub(crate) const HEAD: usize = 16 << 10;
/// Headers of a request: thousands of small ones.
pub(crate) const HEADERS: usize = 64;
/// In which a request's head has to come: connections that say a byte a minute (Slowloris).
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// For the whole of a request: a body that never ends, a database that does not answer.
pub(crate) const REQUEST: Duration = Duration::from_secs(30);
/// Connections at a time: as many as take every file descriptor.
pub(crate) const CONNECTIONS: usize = 4096;
/// For each of open connections, errands and reports at the end: a client that never hangs up, a database that is silent.
pub(crate) const GOODBYE: Duration = Duration::from_secs(10);

/// Bytes of a version: megabytes of digits.
pub(crate) const VERSION: usize = 64;
/// Bytes of a reason in a message to a printer, which takes no more.
pub(crate) const REASON: usize = 512;
/// Bytes of an object's name: URLs that no store takes.
pub(crate) const OBJECT: usize = 128;
/// For which a presigned URL may be good at most: one that leaks stays useful for no longer.
pub(crate) const URL: Duration = Duration::from_secs(3600);
/// For which credentials of MQTT may be good at most.
pub(crate) const CREDENTIALS: Duration = Duration::from_secs(24 * 3600);
/// The oldest that a signed report may be: a recorded one that is played back.
pub(crate) const REPORT_AGE: Duration = Duration::from_secs(3600);

/// Models, versions, channels and regions, each, that no manifest lists and that come into the census while the process
/// runs: names made up until nobody can read the census any more.
pub(crate) const NAMES: usize = 1024;
/// Reports that wait to be written: more than the database can take.
pub(crate) const WAITING_REPORTS: usize = 16 << 10;
/// Reports that are written at once.
pub(crate) const WRITTEN_REPORTS: usize = 4096;
/// How long a report waits that nobody waits for.
pub(crate) const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// Audit records that wait to be written: a disk that is slower than the attacker.
pub(crate) const WAITING_RECORDS: usize = 8192;

/// Bytes of a packet of the broker: the list of its clients, a page at a time.
pub(crate) const PACKET: u32 = 4 << 20;
/// In which the broker has to answer.
pub(crate) const BROKER: Duration = Duration::from_secs(10);
/// Clients that the broker lists at once.
pub(crate) const PAGE: usize = 500;
