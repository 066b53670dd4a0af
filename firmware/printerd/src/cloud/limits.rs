//! What the cloud link takes and keeps, each with what it stops.

use std::time::Duration;

/// Bytes of a packet from the broker. Stops a message that fills the printer's memory; the broker is told.
pub(super) const LARGEST_PACKET: u32 = 128 << 10;
/// Messages in flight each way. Stops a flood of commands that the printer has not taken yet; the broker is told.
pub(super) const WINDOW: u16 = 16;
/// Identifiers of messages that were taken and not yet released. Stops a broker that never releases any: more than
/// these are never in flight by its own rules.
pub(super) const UNRELEASED: usize = 1024;
/// Acknowledgements kept for a broker that is away, and their bytes. Stops an outage of days from filling the memory.
pub(super) const ACKS: usize = 256;
/// Bytes of them.
pub(super) const ACK_BYTES: usize = 256 << 10;
/// Reports kept for a connection that is slow: older ones say nothing that newer ones do not.
pub(super) const REPORTS: usize = 8;
/// Bytes of the pinned authorities and of the password's file. Stops a wrong path (`/dev/zero`) from filling the memory.
pub(super) const LARGEST_FILE: u64 = 64 << 10;
/// Time to connect, to shake hands, and to be answered each time. Stops a broker that accepts and says nothing.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// Time for one packet to leave. Stops a broker that stops reading.
pub(super) const WRITE: Duration = Duration::from_secs(30);
/// Time for the goodbye when the printer stops.
pub(super) const GOODBYE: Duration = Duration::from_millis(500);
/// A connection that held so long ends a row of failures. Stops two printers with one name from taking turns at full
/// speed.
pub(super) const STABLE: Duration = Duration::from_secs(60);
/// How long the broker keeps the session of a printer that is away (version 5; with 3.1.1 the broker decides).
pub(super) const SESSION_SECONDS: u32 = 24 * 60 * 60;
