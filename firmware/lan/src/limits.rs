//! Every limit of the LAN services, each with the attack that it stops.
//!
//! Figures only: who counts against them lives beside the code that enforces them.

use std::time::Duration;

/// Wrong codes at full speed: how many attempts may fail, and how soon an attempt comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    /// How many may fail one after the other.
    pub(crate) burst: u32,
    /// How long until one of them comes back.
    pub(crate) refill: Duration,
}

/// Guessing from one address: 3 attempts a minute.
pub(crate) const ATTEMPTS_PER_ADDRESS: Attempts = Attempts {
    burst: 5,
    refill: Duration::from_secs(20),
};

/// Guessing from one IPv6 network, of whose addresses a host takes as many as it likes: 12 attempts a minute. More than
/// one address has, so that a guesser does not shut its neighbours out.
pub(crate) const ATTEMPTS_PER_NETWORK: Attempts = Attempts {
    burst: 20,
    refill: Duration::from_secs(5),
};

/// Guessing from many addresses at once: 20 attempts a minute, or 100,000 years for half of the codes that
/// [`crate::access::AccessCode::random`] makes.
pub(crate) const ATTEMPTS_OVERALL: Attempts = Attempts {
    burst: 60,
    refill: Duration::from_secs(3),
};

/// A guesser that locks the owner out: an address that knew the current code before counts for itself alone.
pub(crate) const ATTEMPTS_OF_A_KNOWN_ADDRESS: Attempts = Attempts {
    burst: 10,
    refill: Duration::from_secs(10),
};

/// Memory for addresses that failed, and for their networks. The overall allowance fills it far more slowly than its entries expire.
pub(crate) const ADDRESSES_THAT_FAILED: usize = 256;

/// Memory for addresses that knew the code.
pub(crate) const ADDRESSES_KNOWN: usize = 64;

/// A password that is hashed for minutes: longer ones are wrong without a look at them.
pub(crate) const PASSWORD_BYTES: usize = 256;

/// How many connections a service holds, and for how long one of them may stay without a login.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// Connections that eat the printer's memory.
    pub connections: usize,
    /// One address that takes every place, or one IPv6 network of strangers.
    pub per_address: usize,
    /// Half-open handshakes and strangers that stay: past this many, one of them makes room.
    pub waiting: usize,
    /// The same from one address or one IPv6 network, which then makes room among its own.
    pub waiting_per_address: usize,
    /// A handshake or a login that never ends (slow loris).
    pub log_in_within: Duration,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: 48,
            per_address: 16,
            waiting: 24,
            waiting_per_address: 8,
            log_in_within: Duration::from_secs(15),
        }
    }
}

/// A packet that announces gigabytes: refused before its body is allocated. Commands are far smaller.
pub(crate) const PACKET_BYTES: u32 = 64 * 1024;

/// A stranger that sends without end instead of a CONNECT.
pub(crate) const BYTES_BEFORE_LOGIN: usize = 4 * 1024;

/// Client names that fill the table, or the log.
pub(crate) const CLIENT_NAME_BYTES: usize = 256;

/// One SUBSCRIBE with thousands of filters, and its answer.
pub(crate) const FILTERS_PER_PACKET: usize = 32;

/// QoS 1 and 2 commands that are sent and never completed: each is remembered.
pub(crate) const UNFINISHED_COMMANDS: u16 = 32;

/// A subscriber that takes QoS 1 reports and acknowledges none.
pub(crate) const UNACKNOWLEDGED_REPORTS: usize = 8;

/// A peer that asks and does not read the answers: past this many bytes for it, nothing more is read from it.
pub(crate) const BYTES_UNSENT: usize = 32 * 1024;

/// What the TLS session of one connection may buffer on top of that.
pub(crate) const BYTES_UNSENT_IN_TLS: usize = 16 * 1024;

/// A peer that has stopped reading, or acknowledging, altogether.
pub(crate) const UNSENT_FOR: Duration = Duration::from_secs(10);

/// A dead peer that asked for no keepalive, or for one of many hours.
pub(crate) const LONGEST_KEEPALIVE: Duration = Duration::from_secs(20 * 60);

/// A peer that does not read its farewell, while the port is to be closed at once.
pub(crate) const FAREWELL: Duration = Duration::from_millis(250);

/// A flood that uses up the process's files: how long nothing is accepted after the system refused.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
