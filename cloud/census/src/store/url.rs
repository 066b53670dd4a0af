//! Where a database is. It may have a password in it, which nothing prints.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::AnyConnectOptions;

/// What stays as it is in the path of a URL.
const IN_PATHS: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE` as libpq takes it.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) options: AnyConnectOptions,
    pub(super) kind: Kind,
    shown: String,
}

/// Text that is no such URL. It is not repeated: it may have a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a census database is sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct DatabaseUrlError;

/// The databases that differ where a connection begins, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        match text.strip_prefix("sqlite:") {
            Some(path) => Self::sqlite(path.strip_prefix("//").unwrap_or(path)),
            None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Self::postgres(text)
            }
            None => Err(DatabaseUrlError),
        }
    }
}

impl DatabaseUrl {
    /// The file is made if it is not there; its folder has to be.
    fn sqlite(path: &str) -> Result<Self, DatabaseUrlError> {
        if path.is_empty() || path.ends_with('/') {
            return Err(DatabaseUrlError);
        }
        let encoded = utf8_percent_encode(path, &IN_PATHS);
        let url = format!("sqlite:{encoded}?mode=rwc");
        Ok(Self {
            options: url.parse().map_err(|_| DatabaseUrlError)?,
            kind: Kind::Sqlite,
            shown: format!("sqlite:{path}"),
        })
    }

    fn postgres(text: &str) -> Result<Self, DatabaseUrlError> {
        let options: AnyConnectOptions = text.parse().map_err(|_| DatabaseUrlError)?;
        let url = &options.database_url;
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        let (host, path) = (url.host_str().unwrap_or_default(), url.path());
        let shown = format!("postgres://{host}{port}{path}");
        Ok(Self {
            options,
            kind: Kind::Postgres,
            shown,
        })
    }
}

/// Without user, password and parameters.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://gate:hush@db.example:5433/census?password=hush&sslmode=require";
        let url: DatabaseUrl = url.parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5433/census");
        assert!(!format!("{url:?}").contains("hush"));
        let error = "postgres://gate:hush@[:5433/census".parse::<DatabaseUrl>();
        let error = error.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"));
    }

    #[test]
    fn other_databases_are_refused() {
        for text in [
            "",
            "census.db",
            "mysql://host/census",
            "sqlite:",
            "sqlite://",
            "sqlite:x/",
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap_err(), DatabaseUrlError);
        }
    }
}
