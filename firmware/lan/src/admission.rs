//! Who may connect: places overall and per address, and few of them for those that have not logged in.
//!
//! A newcomer never waits for strangers to leave: when their places are taken, the oldest stranger goes, of the
//! address that has most of them, so that a flood from elsewhere does not reach the owner's handshake. It never
//! evicts anyone who has logged in.

#[cfg(test)]
mod tests;

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
    source: Source,
    waiting: bool,
    evicted: CancellationToken,
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
        let limits = &self.0.limits;
        let source = Source::of(from);
        let mut table = self.0.table();
        // Evicted tasks need a moment to close: a flood must not outrun them.
        if table.leaving >= limits.waiting.max(1) {
            return Err(Full);
        }
        let own = |place: &Place| place.source == source;
        if table.count(|place| own(place) && place.waiting) >= limits.waiting_per_address
            || table.count(own) >= limits.per_address
        {
            table.evict_oldest(own)?;
        }
        if table.count(|place| place.waiting) >= limits.waiting
            || table.places.len() >= limits.connections
        {
            let crowd = table.crowd().ok_or(Full)?;
            table.evict_oldest(|place| place.source == crowd)?;
        }
        let evicted = CancellationToken::new();
        let number = table.insert(Place {
            source,
            waiting: true,
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
    /// Keeps the place: from now on the guest is not evicted. False if it has been already.
    pub fn logged_in(&mut self) -> bool {
        match self.inner.table().places.get_mut(&self.number) {
            Some(place) => {
                place.waiting = false;
                true
            }
            None => false,
        }
    }

    /// Resolves when the place was given to a newcomer: the connection is to be closed.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// How long handshake and login may take together, counted from the admission.
    pub fn log_in_within(&self) -> Duration {
        self.inner.limits.log_in_within
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

impl Table {
    fn count(&self, which: impl Fn(&Place) -> bool) -> usize {
        self.places.values().filter(|place| which(place)).count()
    }

    /// The address with the most guests that have not logged in; of equal ones, that of the oldest guest.
    fn crowd(&self) -> Option<Source> {
        let mut crowd: Option<(usize, Source)> = None;
        for place in self.places.values().filter(|place| place.waiting) {
            let size = self.count(|other| other.waiting && other.source == place.source);
            if crowd.is_none_or(|(largest, _)| size > largest) {
                crowd = Some((size, place.source));
            }
        }
        crowd.map(|(_, source)| source)
    }

    fn evict_oldest(&mut self, among: impl Fn(&Place) -> bool) -> Result<(), Full> {
        let oldest = self
            .places
            .iter()
            .find(|(_, place)| place.waiting && among(place));
        let number = oldest.map(|(number, _)| *number).ok_or(Full)?;
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
