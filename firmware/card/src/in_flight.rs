//! Which uploads are under way, so that two never write one file, and a sweep leaves them alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::CardPath;

/// The uploads under way on one card.
#[derive(Debug, Default, Clone)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<String>>>);

impl InFlight {
    /// Takes the place of an upload to `path`; none if it is taken.
    pub(crate) fn enter(&self, path: &CardPath) -> Option<Place> {
        let key = key(path);
        self.names().insert(key.clone()).then(|| Place {
            all: self.clone(),
            key,
        })
    }

    /// Whether an upload to `path` is under way.
    pub(crate) fn holds(&self, path: &CardPath) -> bool {
        self.names().contains(&key(path))
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one upload, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: InFlight,
    key: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.names().remove(&self.key);
    }
}

/// Cards are FAT mostly, where `X` and `x` are one file.
fn key(path: &CardPath) -> String {
    path.as_str().to_lowercase()
}
