//! Which client names are connected: a name that connects again takes over, as MQTT demands.
//!
//! Holds only names of clients that have logged in, so admission bounds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The names that are connected. Clones share one table.
#[derive(Clone, Default)]
pub(super) struct Clients(Arc<Mutex<Table>>);

/// One connected name; forgotten when dropped.
pub(super) struct Presence {
    name: String,
    number: u64,
    taken_over: CancellationToken,
    clients: Clients,
}

#[derive(Default)]
struct Table {
    next: u64,
    present: HashMap<String, (u64, CancellationToken)>,
}

impl Clients {
    /// Enters under this name, and ends the connection that had it. Who has no name is given one.
    pub(super) fn enter(&self, name: &str) -> Presence {
        let taken_over = CancellationToken::new();
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let name = match name {
            "" => format!("nameless-{number}"),
            name => name.to_owned(),
        };
        let before = table
            .present
            .insert(name.clone(), (number, taken_over.clone()));
        drop(table);
        if let Some((_, before)) = before {
            before.cancel();
        }
        Presence {
            name,
            number,
            taken_over,
            clients: self.clone(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// The name, or the one that was given.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Resolves when another connection has entered under the same name.
    pub(super) async fn taken_over(&self) {
        self.taken_over.cancelled().await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut table = self.clients.table();
        let is_current = table
            .present
            .get(&self.name)
            .is_some_and(|(number, _)| *number == self.number);
        if is_current {
            table.present.remove(&self.name);
        }
    }
}
