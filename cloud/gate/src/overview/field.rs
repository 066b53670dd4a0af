//! What the census counts, kept for a moment: counting a large one takes seconds, and one count serves everybody who
//! looks.

use std::sync::Arc;

use firstlayer_census::{Day, Groups, HistoryPoint, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

/// For so long a count is shown. Versions in the field change by the hour.
const SHOWN: SignedDuration = SignedDuration::from_secs(60);
/// Days of the history that are shown.
const DAYS: i64 = 90;

/// The census, counted.
#[derive(Debug)]
pub struct Field {
    /// When.
    pub counted: Timestamp,
    /// The printers.
    pub groups: Groups,
    /// Which versions were seen on which day.
    pub history: Vec<HistoryPoint>,
}

/// Counts the census, at most once a minute however many look.
#[derive(Debug)]
pub struct Fields {
    store: Store,
    last: Mutex<Option<Arc<Field>>>,
}

impl Fields {
    /// Counts of this census.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            last: Mutex::new(None),
        }
    }

    /// The count of this minute.
    ///
    /// # Errors
    /// The census cannot be read.
    pub async fn counted(&self, now: Timestamp) -> Result<Arc<Field>, StoreError> {
        // Held while it counts: whoever comes meanwhile waits for the same count.
        let mut last = self.last.lock().await;
        let fresh = |field: &&Arc<Field>| now.duration_since(field.counted) < SHOWN;
        if let Some(field) = last.as_ref().filter(fresh) {
            return Ok(Arc::clone(field));
        }
        let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS));
        let field = Arc::new(Field {
            counted: now,
            groups: self.store.groups().await?,
            history: self.store.history(Day::of(since.unwrap_or(now))).await?,
        });
        *last = Some(Arc::clone(&field));
        Ok(field)
    }
}
