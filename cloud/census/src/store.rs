//! The census that gates keep: SQLite by default, PostgreSQL where many share one; the same statements for both.
//!
//! It keeps of a printer what an [`Entry`] has, and its device key, and nothing else.

mod record;
mod schema;
mod url;

use std::{
    io::{self, Write},
    str::FromStr,
};

use firstlayer_bundle::Model;
use firstlayer_policy::Channel;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;
use sqlx::{
    AnyConnection, AnyPool, Row,
    any::{AnyPoolOptions, AnyRow},
};

use self::url::Kind;
use crate::{
    Day, DeviceKey, Entry, Fault, Groups, Limits, Serial, csv,
    tally::{Counted, Tally},
};

pub use url::{DatabaseUrl, DatabaseUrlError};

/// Connections of one gate.
const CONNECTIONS: u32 = 8;
/// PostgreSQL: deadlock_detected and serialization_failure.
const SACRIFICED: [&str; 2] = ["40P01", "40001"];

/// A census in a database; clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    kind: Kind,
}

/// How many printers were seen on a day with a version: each once, with what it reported last on that day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HistoryPoint {
    /// The day, UTC.
    pub day: Day,
    /// Their channel.
    pub channel: Channel,
    /// Their model.
    pub model: Model,
    /// Their version.
    pub version: Version,
    /// How many.
    pub count: u64,
}

/// Why the census's database does not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, or made.
    #[error("the census database {url} cannot be opened")]
    Open {
        /// Where it should be, without user and password.
        url: String,
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// It failed.
    #[error("the census database failed")]
    Database(#[from] sqlx::Error),
    /// Another release of this software made it.
    #[error(
        "the census database has tables of version {found}, and this release knows version {known}"
    )]
    OtherSchema {
        /// Of the database.
        found: i64,
        /// Of this release.
        known: i64,
    },
    /// Somebody else wrote into it.
    #[error("the census database holds a {what} that is none: {problem}")]
    Stored {
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        problem: String,
    },
    /// Its groups are more than the limit, or hold what is none.
    #[error("the census in the database: {0}")]
    Groups(Fault),
    /// The export cannot be written.
    #[error("the export of the census cannot be written")]
    Export(#[from] io::Error),
}

impl StoreError {
    fn is_deadlock(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        error
            .code()
            .is_some_and(|code| SACRIFICED.contains(&&*code))
    }
}

impl Store {
    /// Opens the database, and makes its tables if there are none.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = url.kind;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .after_connect(move |connection, _| Box::pin(begin_connection(connection, kind)))
            .connect_with(url.options.clone())
            .await
            .map_err(|source| StoreError::Open {
                url: url.to_string(),
                source,
            })?;
        schema::migrate(&pool, kind).await?;
        Ok(Self { pool, kind })
    }

    /// The printers in groups, as [`crate::read_csv`] would count an export, within the same limits.
    pub async fn groups(&self) -> Result<Groups, StoreError> {
        let limits = &Limits::default();
        let mut rows = sqlx::query(
            "SELECT model, version, channel, region, day, COUNT(*) FROM printers \
             GROUP BY model, version, channel, region, day",
        )
        .fetch(&self.pool);
        let mut tally = Tally::new(limits);
        while let Some(row) = rows.try_next().await? {
            let counted = Counted {
                model: row.try_get::<&str, _>(0)?.as_bytes(),
                version: row.try_get::<&str, _>(1)?.as_bytes(),
                channel: row.try_get::<&str, _>(2)?.as_bytes(),
                region: row.try_get::<&str, _>(3)?.as_bytes(),
                last_seen: read("day", row.try_get(4)?)?,
            };
            let count = count(row.try_get(5)?);
            tally.add(&counted, count).map_err(StoreError::Groups)?;
        }
        Tally::merge(vec![tally], limits).map_err(StoreError::Groups)
    }

    /// Writes the census as CSV, and says how many printers it has. `out` is written to as rows come: it should not wait
    /// for long.
    pub async fn export(&self, mut out: impl Write) -> Result<u64, StoreError> {
        let mut rows = sqlx::query(
            "SELECT serial, model, version, channel, region, last_seen FROM printers ORDER BY serial",
        )
        .fetch(&self.pool);
        csv::write_header(&mut out)?;
        let mut written = 0_u64;
        while let Some(row) = rows.try_next().await? {
            csv::write_entry(&mut out, &entry(&row)?)?;
            written = written.saturating_add(1);
        }
        out.flush()?;
        Ok(written)
    }

    /// Forgets the printers that were last seen before this, and says how many they were. The counts of past days stay:
    /// they name nobody. Device keys stay: without its key, anybody could report for a printer.
    pub async fn forget_before(&self, moment: Timestamp) -> Result<u64, StoreError> {
        let mut change = self.pool.begin_with(self.kind.begin()).await?;
        let forgotten = sqlx::query("DELETE FROM printers WHERE last_seen < $1")
            .bind(moment.as_microsecond())
            .execute(&mut *change)
            .await?;
        // Left behind by printers that reported another version on the same day.
        sqlx::query("DELETE FROM seen WHERE printers = 0")
            .execute(&mut *change)
            .await?;
        change.commit().await?;
        Ok(forgotten.rows_affected())
    }

    /// Which versions were in the field, day by day from this one on.
    pub async fn history(&self, since: Day) -> Result<Vec<HistoryPoint>, StoreError> {
        let rows = sqlx::query(
            "SELECT day, channel, model, version, printers FROM seen WHERE day >= $1 AND printers > 0",
        )
        .bind(since.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut points = rows.iter().map(point).collect::<Result<Vec<_>, _>>()?;
        // Databases sort text by rules of their own.
        points.sort();
        Ok(points)
    }

    /// The key that this printer signs its reports with, if one is known.
    pub async fn device_key(&self, serial: &Serial) -> Result<Option<DeviceKey>, StoreError> {
        let row = sqlx::query("SELECT public_key FROM device_keys WHERE serial = $1")
            .bind(serial.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| read("device key", row.try_get(0)?))
            .transpose()
    }

    /// Every printer's key, for a gate that decides without asking the database each time.
    pub async fn device_keys(&self) -> Result<Vec<(Serial, DeviceKey)>, StoreError> {
        let mut rows = sqlx::query("SELECT serial, public_key FROM device_keys").fetch(&self.pool);
        let mut keys = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let serial = read("serial number", row.try_get(0)?)?;
            keys.push((serial, read("device key", row.try_get(1)?)?));
        }
        Ok(keys)
    }

    /// Keeps the key of a printer, in place of one that was known. Whoever calls has checked that it is the printer's.
    pub async fn set_device_key(&self, serial: &Serial, key: &DeviceKey) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO device_keys (serial, public_key) VALUES ($1, $2) \
             ON CONFLICT (serial) DO UPDATE SET public_key = excluded.public_key",
        )
        .bind(serial.as_str())
        .bind(key.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends all connections; SQLite folds its log into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn begin_connection(connection: &mut AnyConnection, kind: Kind) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(kind.on_connect()).execute(connection).await?;
    Ok(())
}

fn entry(row: &AnyRow) -> Result<Entry, StoreError> {
    let region: &str = row.try_get(4)?;
    Ok(Entry {
        serial: read("serial number", row.try_get(0)?)?,
        model: read("model", row.try_get(1)?)?,
        version: read("version", row.try_get(2)?)?,
        channel: read("channel", row.try_get(3)?)?,
        region: match region {
            "" => None,
            region => Some(read("region", region)?),
        },
        last_seen: Timestamp::from_microsecond(row.try_get(5)?).map_err(|error| {
            StoreError::Stored {
                what: "time",
                problem: error.to_string(),
            }
        })?,
    })
}

fn point(row: &AnyRow) -> Result<HistoryPoint, StoreError> {
    Ok(HistoryPoint {
        day: read("day", row.try_get(0)?)?,
        channel: read("channel", row.try_get(1)?)?,
        model: read("model", row.try_get(2)?)?,
        version: read("version", row.try_get(3)?)?,
        count: count(row.try_get(4)?),
    })
}

fn read<T: FromStr<Err: ToString>>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Stored {
        what,
        problem: error.to_string(),
    })
}

fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

#[cfg(test)]
mod tests;
