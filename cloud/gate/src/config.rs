//! The configuration: TOML becomes checked settings, or an error that names the file and the key. Unknown keys are
//! refused, and secrets stand elsewhere: in a file, or a variable of the environment.
//! `gate.example.toml` has every key, with what it means.

mod check;
mod raw;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firstlayer_census::DatabaseUrl;
use jiff::SignedDuration;

use crate::Tokens;
use crate::files::FileSettings;
use crate::metadata::{Origin, Pace};
use crate::mqtt::broker::BrokerSettings;
use crate::secret::Secret;

/// Checked settings.
#[derive(Debug)]
pub struct Config {
    /// Where the gate listens.
    pub listen: SocketAddr,
    /// The folder of what it keeps.
    pub state: PathBuf,
    /// The audit log.
    pub audit: PathBuf,
    /// The repository's URL, as printers are told it.
    pub repository: String,
    /// Where the gate reads it, and what it trusts.
    pub origin: Origin,
    /// How often it does.
    pub pace: Pace,
    /// The census.
    pub database: Database,
    /// After how many days without a word a printer is forgotten.
    pub retention_days: u32,
    /// How old a signed report may be.
    pub report_age: SignedDuration,
    /// Who may do more than ask.
    pub tokens: Tokens,
    /// The store of model files.
    pub files: Option<FileSettings>,
    /// MQTT.
    pub mqtt: Option<MqttSettings>,
}

/// Where the census is. It shows no password.
pub struct Database(pub DatabaseUrl);

/// Credentials for MQTT.
#[derive(Debug)]
pub struct MqttSettings {
    /// What they are made with.
    pub secret: Secret,
    /// For how long they are good.
    pub lifetime: Duration,
    /// The broker that has to be told.
    pub broker: Option<BrokerSettings>,
}

/// A configuration that cannot be used: whoever wrote it has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not there, or cannot be read.
    #[error("the configuration {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not TOML, a key that is not known, or one that is missing or of a wrong type.
    #[error("the configuration {path} is refused")]
    Form {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value that cannot be.
    #[error("{key} in the configuration {path} is refused: {problem}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong, or accepted.
        problem: String,
    },
}

impl Config {
    /// Reads and checks the configuration and every secret that it names. Other paths in it are relative to its folder.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let raw: raw::Config = toml::from_str(&text).map_err(|source| ConfigError::Form {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        raw.check(folder)
            .map_err(|(key, problem)| ConfigError::Value {
                path: path.to_owned(),
                key,
                problem,
            })
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests;
