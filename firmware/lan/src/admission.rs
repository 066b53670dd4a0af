//! Who may connect: places overall and per address, and few of them for those that have not logged in.
//!
//! A newcomer never waits for strangers to leave: when their places are taken, a stranger of the address that has
//! most of them goes, so that a flood from elsewhere does not reach the owner's handshake. Of these, it is the one
//! that has come least far, and of equal ones the oldest: half-open connections go before any that speak TLS. It
//! never evicts anyone who has logged in.
//!
//! Strangers of one IPv6 network share the places of one address. An address that is known shares them with nobody, and
//! while it handshakes it makes room for its own connections alone: a flood from more addresses than there are places, on
//! a printer that is too busy to handshake quickly, would else reach the owner after all.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use crate::limits::AdmissionLimits;
use crate::source::Source;

/// Gives places to connections. Clones share one table.
#[derive(Clone)]
pub struct Admission(Arc<Inner>);

/// A connection's place; given back when dropped.
pub struct Guest {
    number: u64,
    evicted: CancellationToken,
    inner: Arc<Inner>,
}

/// There is no place: every one that could be freed belongs to someone who has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections")]
pub struct Full;

struct Inner {
    limits: AdmissionLimits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    /// By number, so that the first one is the oldest.
    places: BTreeMap<u64, Place>,
    /// Evicted guests whose connections are not closed yet.
    leaving: usize,
}

struct Place {
    address: IpAddr,
    /// With whom it shares.
    source: Source,
    /// Whether someone has logged in from there before.
    known: bool,
    progress: Progress,
    evicted: CancellationToken,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// It costs its peer one packet.
    Connected,
    /// Bytes have come.
    Spoken,
    /// Its TLS handshake is complete.
    Secured,
    LoggedIn,
}

impl Admission {
    /// A table with these limits.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self(Arc::new(Inner {
            limits,
            table: Mutex::default(),
        }))
    }

    /// A place for a connection from this address, which has until [`Guest::log_in_within`] to log in.
    pub fn admit(&self, from: IpAddr) -> Result<Guest, Full> {
        self.admit_as(Source::of(from), from, false)
    }

    /// The same for an address from which someone has logged in before: its places are its own.
    pub fn admit_known(&self, from: IpAddr) -> Result<Guest, Full> {
        self.admit_as(Source::alone(from), from, true)
    }

    fn admit_as(&self, source: Source, from: IpAddr, known: bool) -> Result<Guest, Full> {
        let limits = &self.0.limits;
        let mut table = self.0.table();
        let own = |place: &Place| place.source == source;
        let own_waiting = table.count(|place| own(place) && place.is_waiting());
        // Evicted tasks need a moment to close: a flood must not outrun them, nor keep a known address out.
        if table.leaving >= limits.waiting.max(1) && (!known || own_waiting > 0) {
            return Err(Full);
        }
        if own_waiting >= limits.waiting_per_address || table.count(own) >= limits.per_address {
            table.evict_one(own)?;
        }
        if table.count(Place::is_waiting) >= limits.waiting
            || table.places.len() >= limits.connections
        {
            let crowd = table.crowd().ok_or(Full)?;
            table.evict_one(|place| place.source == crowd)?;
        }
        let evicted = CancellationToken::new();
        let number = table.insert(Place {
            address: from.to_canonical(),
            source,
            known,
            progress: Progress::Connected,
            evicted: evicted.clone(),
        });
        drop(table);
        let inner = Arc::clone(&self.0);
        Ok(Guest {
            number,
            evicted,
            inner,
        })
    }

    /// How many connections have a place.
    pub fn connections(&self) -> usize {
        self.0.table().places.len()
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Admission").finish_non_exhaustive()
    }
}

impl Guest {
    /// Bytes have come: half-open connections are evicted before this one.
    pub fn spoke(&mut self) {
        self.advance(Progress::Spoken);
    }

    /// The TLS handshake is complete: connections that only began one are evicted before this one.
    pub fn secured(&mut self) {
        self.advance(Progress::Secured);
    }

    /// Keeps the place: from now on the guest is not evicted. False if it has been already.
    pub fn logged_in(&mut self) -> bool {
        self.advance(Progress::LoggedIn)
    }

    /// Resolves when the place was given to a newcomer: the connection is to be closed.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// How long handshake and login may take together, counted from the admission.
    pub fn log_in_within(&self) -> Duration {
        self.inner.limits.log_in_within
    }

    fn advance(&mut self, progress: Progress) -> bool {
        match self.inner.table().places.get_mut(&self.number) {
            Some(place) => {
                place.progress = progress;
                if progress == Progress::LoggedIn {
                    // No stranger of its network has fewer places for that.
                    place.source = Source::alone(place.address);
                }
                true
            }
            None => false,
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guest")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut table = self.inner.table();
        if table.places.remove(&self.number).is_none() {
            table.leaving = table.leaving.saturating_sub(1);
        }
    }
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn is_waiting(&self) -> bool {
        self.progress != Progress::LoggedIn
    }
}

impl Table {
    fn count(&self, which: impl Fn(&Place) -> bool) -> usize {
        self.places.values().filter(|place| which(place)).count()
    }

    /// The address or network with the most guests that have not logged in and are not known; of equal ones, that of the
    /// oldest guest.
    fn crowd(&self) -> Option<Source> {
        let mut crowd: Option<(usize, Source)> = None;
        let strangers = |place: &&Place| place.is_waiting() && !place.known;
        for place in self.places.values().filter(strangers) {
            let size = self.count(|other| other.is_waiting() && other.source == place.source);
            if crowd.is_none_or(|(largest, _)| size > largest) {
                crowd = Some((size, place.source));
            }
        }
        crowd.map(|(_, source)| source)
    }

    fn evict_one(&mut self, among: impl Fn(&Place) -> bool) -> Result<(), Full> {
        let waiting = |place: &Place| place.is_waiting() && among(place);
        let candidates = self.places.iter().filter(|(_, place)| waiting(place));
        let evicted = candidates.min_by_key(|(number, place)| {
            // In a network, of the host that has most of them.
            let neighbours =
                self.count(|other| other.is_waiting() && other.address == place.address);
            (Reverse(neighbours), place.progress, **number)
        });
        let number = evicted.map(|(number, _)| *number).ok_or(Full)?;
        if let Some(place) = self.places.remove(&number) {
            place.evicted.cancel();
            self.leaving += 1;
        }
        Ok(())
    }

    fn insert(&mut self, place: Place) -> u64 {
        let number = self.next;
        self.next += 1;
        self.places.insert(number, place);
        number
    }
}
