//! The census behind the gate: reports are written in batches, off the way of decisions; device keys are read from it,
//! and old entries forgotten.
//!
//! A report whose sender waits is acknowledged when it is durable, and not before.

mod names;

use std::collections::HashMap;
use std::sync::Arc;

use firstlayer_census::{Entry, Serial, Store, StoreError};
use firstlayer_policy::Report;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Duration, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::keyring::Keyring;
use crate::limits::{REPORT_PAUSE, WAITING_REPORTS, WRITTEN_REPORTS};
use crate::metadata::Standing;
use crate::metrics::Metrics;
use names::Names;

/// How often the device keys are read again.
const KEYS: Duration = Duration::from_secs(30);
/// How often old entries are forgotten.
const RETENTION: Duration = Duration::from_secs(6 * 3600);

/// Where reports go.
#[derive(Debug, Clone)]
pub struct Reports {
    waiting: mpsc::UnboundedSender<Batch>,
    /// A place for each report that waits.
    places: Arc<Semaphore>,
    names: Arc<Names>,
    metrics: Arc<Metrics>,
}

/// Whether a report comes into the census.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    /// It does.
    Taken,
    /// The printer has a device key, and did not sign it.
    Unproven,
    /// It names what no manifest lists, and too much of that has come.
    Unknown,
}

/// The census did not take reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the census cannot be written now; the reports are not recorded")]
pub struct NotRecorded;

#[derive(Debug)]
struct Batch {
    entries: Vec<Entry>,
    /// Held until it is written.
    places: OwnedSemaphorePermit,
    done: Option<oneshot::Sender<Result<(), NotRecorded>>>,
}

impl Reports {
    /// Reports into this census, written by the second until every [`Reports`] is gone.
    pub fn new(
        store: Store,
        standing: Arc<Standing>,
        metrics: Arc<Metrics>,
    ) -> (Self, impl Future<Output = ()>) {
        let (waiting, batches) = mpsc::unbounded_channel();
        let writer = Writer {
            store,
            metrics: Arc::clone(&metrics),
            pending: HashMap::new(),
            places: None,
            acknowledgements: Vec::new(),
        };
        let reports = Self {
            waiting,
            places: Arc::new(Semaphore::new(WAITING_REPORTS)),
            names: Arc::new(Names::new(standing)),
            metrics,
        };
        (reports, writer.run(batches))
    }

    /// Notes a report that nobody waits for. What the database cannot keep up with is dropped, and counted.
    pub fn note(&self, mut entry: Entry, report: Report) {
        if self.believe(&mut entry, report) != Belief::Taken {
            return;
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let sent = place.is_ok_and(|places| {
            let batch = Batch {
                entries: vec![entry],
                places,
                done: None,
            };
            self.waiting.send(batch).is_ok()
        });
        if !sent {
            self.metrics.reported("dropped", 1);
        }
    }

    /// Records reports, and returns when they are durable.
    ///
    /// # Errors
    /// The database does not take them.
    pub async fn record(&self, entries: Vec<Entry>) -> Result<(), NotRecorded> {
        let (done, wait) = oneshot::channel();
        // One also for an empty list: it waits like the others.
        let count = u32::try_from(entries.len().max(1)).map_err(|_| NotRecorded)?;
        let places = Arc::clone(&self.places).acquire_many_owned(count).await;
        let batch = Batch {
            entries,
            places: places.map_err(|_| NotRecorded)?,
            done: Some(done),
        };
        self.waiting.send(batch).map_err(|_| NotRecorded)?;
        wait.await.map_err(|_| NotRecorded)?
    }

    /// Where a printer has a device key, what was not signed with it may be anybody's word, and must not make the census
    /// say that it was updated. Where it has none, everything is; so that is bounded, and a region too many is left out.
    pub(crate) fn believe(&self, entry: &mut Entry, report: Report) -> Belief {
        match report {
            Report::Unproven => {
                self.metrics.reported("unproven", 1);
                Belief::Unproven
            }
            Report::Claimed if !self.names.take(entry) => {
                self.metrics.reported("unknown", 1);
                Belief::Unknown
            }
            Report::Claimed | Report::Signed => Belief::Taken,
        }
    }
}

struct Writer {
    store: Store,
    metrics: Arc<Metrics>,
    pending: HashMap<Serial, Entry>,
    places: Option<OwnedSemaphorePermit>,
    acknowledgements: Vec<oneshot::Sender<Result<(), NotRecorded>>>,
}

impl Writer {
    async fn run(mut self, mut batches: mpsc::UnboundedReceiver<Batch>) {
        let mut pause = ticks(REPORT_PAUSE);
        let mut arrived = Vec::new();
        loop {
            let open = tokio::select! {
                count = batches.recv_many(&mut arrived, WRITTEN_REPORTS) => count > 0,
                _ = pause.tick() => {
                    self.write().await;
                    continue;
                }
            };
            for batch in arrived.drain(..) {
                self.take(batch);
            }
            if !open || !self.acknowledgements.is_empty() || self.pending.len() >= WRITTEN_REPORTS {
                self.write().await;
            }
            if !open {
                return;
            }
        }
    }

    /// A printer's earlier report gives its place to the later one.
    fn take(&mut self, mut batch: Batch) {
        let printers = self.pending.len();
        for entry in batch.entries {
            match self.pending.get_mut(&entry.serial) {
                Some(known) if known.last_seen > entry.last_seen => {}
                Some(known) => *known = entry,
                None => {
                    self.pending.insert(entry.serial.clone(), entry);
                }
            }
        }
        if let Some(taken) = batch.places.split(self.pending.len() - printers) {
            match &mut self.places {
                Some(places) => places.merge(taken),
                None => self.places = Some(taken),
            }
        }
        self.acknowledgements.extend(batch.done);
    }

    /// One answer for all: an acknowledgement tells of every report that came before it.
    async fn write(&mut self) {
        if self.pending.is_empty() && self.acknowledgements.is_empty() {
            return;
        }
        let entries: Vec<Entry> = self.pending.drain().map(|(_, entry)| entry).collect();
        let written = self.record(&entries).await;
        let outcome = match written {
            Ok(()) => "recorded",
            Err(_) => "failed",
        };
        self.metrics.reported(outcome, entries.len());
        if let Err(error) = &written {
            tracing::error!(%error, count = entries.len(), "the census cannot be written");
        }
        for done in self.acknowledgements.drain(..) {
            // Whoever has gone does not hear it.
            let _ = done.send(written.as_ref().map(|_| ()).map_err(|_| NotRecorded));
        }
        self.places = None;
    }

    /// In transactions that no other writer has to wait for long.
    async fn record(&self, entries: &[Entry]) -> Result<(), StoreError> {
        for some in entries.chunks(WRITTEN_REPORTS) {
            self.store.record(some).await?;
        }
        Ok(())
    }
}

/// Reads the device keys again and again.
pub async fn keep_keys(store: Store, keyring: Arc<Keyring>, stop: CancellationToken) {
    let mut next = ticks(KEYS);
    while tick(&mut next, &stop).await {
        match store.device_keys().await {
            Ok(keys) => keyring.replace(keys.into_iter().collect()),
            Err(error) => {
                tracing::error!(%error, "the device keys cannot be read; those known stay")
            }
        }
    }
}

/// Forgets printers that were not seen for so many days.
pub async fn keep_retention(store: Store, days: u32, stop: CancellationToken) {
    let mut next = ticks(RETENTION);
    while tick(&mut next, &stop).await {
        let age = SignedDuration::from_hours(24 * i64::from(days));
        let Ok(oldest) = Timestamp::now().checked_sub(age) else {
            return;
        };
        match store.forget_before(oldest).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, days, "printers not seen for so long are forgotten"),
            Err(error) => tracing::error!(%error, "old census entries cannot be forgotten"),
        }
    }
}

/// The next tick; `false` when it is to stop.
pub(crate) async fn tick(next: &mut Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        _ = next.tick() => true,
        () = stop.cancelled() => false,
    }
}

pub(crate) fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
