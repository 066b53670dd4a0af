//! The tables, and how a connection begins. The statements are the same for both databases but for those here.

use sqlx::{AnyPool, Row};

use super::{StoreError, url::Kind};

/// What this crate reads and writes.
const VERSION: i64 = 1;

/// `printers` and `device_keys` are all that is kept of a printer. `seen` has no printers, only how many of them.
/// An unknown region is an empty one. `last_seen` is in microseconds since 1970, and `day` is its day.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS census_schema (version BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS printers (
        serial TEXT NOT NULL PRIMARY KEY,
        model TEXT NOT NULL,
        version TEXT NOT NULL,
        channel TEXT NOT NULL,
        region TEXT NOT NULL,
        last_seen BIGINT NOT NULL,
        day TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS device_keys (
        serial TEXT NOT NULL PRIMARY KEY,
        public_key TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS seen (
        day TEXT NOT NULL,
        channel TEXT NOT NULL,
        model TEXT NOT NULL,
        version TEXT NOT NULL,
        printers BIGINT NOT NULL,
        PRIMARY KEY (day, channel, model, version)
    );";

impl Kind {
    /// What every connection begins with: a commit is on the medium when it returns, whoever configured the database.
    pub(super) fn on_connect(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "PRAGMA busy_timeout = 30000;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;"
            }
            Self::Postgres => "SET synchronous_commit = on;",
        }
    }

    /// How a transaction begins that will write. SQLite would refuse one that begins by reading and then finds that
    /// another has written.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Lets only one at a time make tables; SQLite has seen to that already.
    fn lock_schema(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            // Any number that nothing else in this database locks.
            Self::Postgres => "SELECT pg_advisory_xact_lock(4611686018427387847);",
        }
    }
}

/// Makes the tables where there are none.
pub(super) async fn migrate(pool: &AnyPool, kind: Kind) -> Result<(), StoreError> {
    let mut change = pool.begin_with(kind.begin()).await?;
    sqlx::raw_sql(kind.lock_schema())
        .execute(&mut *change)
        .await?;
    sqlx::raw_sql(TABLES).execute(&mut *change).await?;
    let found = sqlx::query("SELECT version FROM census_schema")
        .fetch_optional(&mut *change)
        .await?;
    match found.map(|row| row.try_get(0)).transpose()? {
        Some(VERSION) => {}
        Some(found) => {
            return Err(StoreError::OtherSchema {
                found,
                known: VERSION,
            });
        }
        None => {
            sqlx::query("INSERT INTO census_schema (version) VALUES ($1)")
                .bind(VERSION)
                .execute(&mut *change)
                .await?;
        }
    }
    Ok(change.commit().await?)
}
