//! Recording: the later report of a printer wins, in whatever order and through however many gates reports come.
//!
//! A batch is one transaction. It first takes hold of its printers' rows and so learns what was known of them; until it
//! commits nobody else changes them, and the counts of the day stay true. Rows are always taken in the same order, so
//! that two gates wait for each other and do not lock each other out.

use std::collections::BTreeMap;

use sqlx::{Any, AnyConnection, AssertSqlSafe, Row, any::AnyArguments, query::Query};

use super::{Store, StoreError};
use crate::{Day, Entry, Serial};

/// Printers in a transaction: bounds how long the others wait, and the parameters of a statement.
const BATCH: usize = 500;
/// How often a transaction is tried that the database sacrificed to end a deadlock.
const ATTEMPTS: u32 = 5;

/// What is known of a printer: nothing but its row, if this batch made it.
struct Known {
    last_seen: i64,
    seen: Option<Seen>,
}

/// A line of the counts of a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    day: String,
    channel: String,
    model: String,
    version: String,
}

impl Store {
    /// Records what printers reported; what has been recorded is on the medium when this returns. A report that is older
    /// than what is known of its printer changes nothing.
    pub async fn record(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut newest: BTreeMap<&Serial, &Entry> = BTreeMap::new();
        for entry in entries {
            let known = newest.entry(&entry.serial).or_insert(entry);
            if entry.last_seen >= known.last_seen {
                *known = entry;
            }
        }
        let newest: Vec<&Entry> = newest.into_values().collect();
        for batch in newest.chunks(BATCH) {
            self.record_batch(batch).await?;
        }
        Ok(())
    }

    async fn record_batch(&self, batch: &[&Entry]) -> Result<(), StoreError> {
        let mut attempt = 1;
        loop {
            match self.try_record(batch).await {
                Err(error) if error.is_deadlock() && attempt < ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    async fn try_record(&self, batch: &[&Entry]) -> Result<(), StoreError> {
        let mut change = self.pool.begin_with(self.kind.begin()).await?;
        let known = take_hold(&mut change, batch).await?;
        let mut fresh = Vec::new();
        let mut counts = BTreeMap::new();
        for entry in batch {
            let known = known.get(entry.serial.as_str());
            let later = |known: &Known| entry.last_seen.as_microsecond() >= known.last_seen;
            if known.is_none_or(later) {
                count(
                    &mut counts,
                    known.and_then(|known| known.seen.as_ref()),
                    entry,
                );
                fresh.push(*entry);
            }
        }
        write(&mut change, &fresh).await?;
        write_counts(&mut change, &counts).await?;
        Ok(change.commit().await?)
    }
}

/// Locks the rows of these printers, makes those that are not there, and says what was known of each.
async fn take_hold(
    change: &mut AnyConnection,
    batch: &[&Entry],
) -> Result<BTreeMap<String, Known>, StoreError> {
    let rows = rows(batch.len(), &["$", "''", "''", "''", "''", "0", "''"]);
    let statement = format!(
        "INSERT INTO printers (serial, model, version, channel, region, last_seen, day) VALUES {rows} \
         ON CONFLICT (serial) DO UPDATE SET serial = excluded.serial \
         RETURNING serial, day, channel, model, version, last_seen"
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for entry in batch {
        query = query.bind(entry.serial.as_str());
    }
    let mut known = BTreeMap::new();
    for row in query.fetch_all(change).await? {
        let day: String = row.try_get(1)?;
        let seen = Seen {
            day,
            channel: row.try_get(2)?,
            model: row.try_get(3)?,
            version: row.try_get(4)?,
        };
        let what = Known {
            last_seen: row.try_get(5)?,
            seen: Some(seen).filter(|seen| !seen.day.is_empty()),
        };
        known.insert(row.try_get(0)?, what);
    }
    // A row that was made just now says nothing.
    known.retain(|_, known| known.seen.is_some());
    Ok(known)
}

/// A printer counts once on each day, with what it reported last on that day.
fn count(counts: &mut BTreeMap<Seen, i64>, before: Option<&Seen>, entry: &Entry) {
    let now = Seen {
        day: Day::of(entry.last_seen).to_string(),
        channel: entry.channel.to_string(),
        model: entry.model.to_string(),
        version: entry.version.to_string(),
    };
    let same_day = before.filter(|before| before.day == now.day);
    for (seen, change) in same_day
        .map(|before| (before.clone(), -1))
        .into_iter()
        .chain([(now, 1)])
    {
        let sum = counts.entry(seen).or_default();
        *sum += change;
    }
}

async fn write(change: &mut AnyConnection, entries: &[&Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = rows(entries.len(), &["$"; 7]);
    let statement = format!(
        "INSERT INTO printers (serial, model, version, channel, region, last_seen, day) VALUES {rows} \
         ON CONFLICT (serial) DO UPDATE SET model = excluded.model, version = excluded.version, \
         channel = excluded.channel, region = excluded.region, last_seen = excluded.last_seen, day = excluded.day"
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for entry in entries {
        query = bind(query, entry);
    }
    query.execute(change).await?;
    Ok(())
}

fn bind<'q>(query: Query<'q, Any, AnyArguments>, entry: &'q Entry) -> Query<'q, Any, AnyArguments> {
    query
        .bind(entry.serial.as_str())
        .bind(entry.model.as_str())
        .bind(entry.version.to_string())
        .bind(entry.channel.as_str())
        .bind(entry.region.as_ref().map_or("", |region| region.as_str()))
        .bind(entry.last_seen.as_microsecond())
        .bind(Day::of(entry.last_seen).to_string())
}

/// Printers that report the same again on the same day change no count, and so do not wait for each other.
async fn write_counts(
    change: &mut AnyConnection,
    counts: &BTreeMap<Seen, i64>,
) -> Result<(), StoreError> {
    let changed: Vec<_> = counts.iter().filter(|(_, change)| **change != 0).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let rows = rows(changed.len(), &["$"; 5]);
    let statement = format!(
        "INSERT INTO seen (day, channel, model, version, printers) VALUES {rows} \
         ON CONFLICT (day, channel, model, version) DO UPDATE SET printers = seen.printers + excluded.printers"
    );
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for (seen, change) in changed {
        query = query
            .bind(&seen.day)
            .bind(&seen.channel)
            .bind(&seen.model)
            .bind(&seen.version)
            .bind(change);
    }
    query.execute(change).await?;
    Ok(())
}

/// So many rows of `VALUES`, with a parameter for each `$`. sqlx's own builder writes them as SQLite alone takes them.
fn rows(count: usize, values: &[&str]) -> String {
    let mut parameter = 0_usize;
    let mut value = |text: &&str| match *text {
        "$" => {
            parameter = parameter.saturating_add(1);
            format!("${parameter}")
        }
        text => text.to_owned(),
    };
    let row = |_| {
        let values: Vec<String> = values.iter().map(&mut value).collect();
        format!("({})", values.join(", "))
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    rows.join(", ")
}
