//! The configuration: TOML becomes checked settings, or an error that names the file and the key.
//!
//! The image brings a file with defaults for every printer, and each update brings another. What is a printer's own
//! lies in `config.toml` in its state folder, which no update touches: each key there overrides the image's. Only
//! `state` itself comes from the image alone, because the printer's file is looked for in it.
//!
//! ```toml
//! board = "virt-armv7"
//! model = "first-mini"
//! channel = "stable"
//! repository = "https://updates.example.org/firmware/"
//! state = "/var/lib/printerd"
//!
//! [slots]
//! capacity = 33_554_432     # bytes of a slot
//! trial_attempts = 3        # boots that a new release has to confirm itself
//!
//! [network]                 # all of it may be left out
//! extra_ca = "/etc/printerd/ca.pem"
//! stall_seconds = 30        # a connection that brings nothing for so long is given up
//! attempts = 6              # failures in a row before giving up
//! first_wait_ms = 1000      # before the second try; doubles up to longest_wait_ms
//! longest_wait_ms = 60000
//! longest_retry_after_s = 600
//! ```
//!
//! What the service needs besides is in [`device`].

pub mod device;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use firstlayer_agent::RetryPolicy;
use firstlayer_bundle::{Board, Model};
use firstlayer_policy::{Channel, RunningRelease};
use reqwest::Url;
use serde::Deserialize;
use toml::{Table, Value};

use device::{DeviceConfig, RawCard, RawCloud, RawDevice, RawLan, RawMachine, RawTables};

/// The printer's own settings, under its state.
const OVERRIDES: &str = "config.toml";

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The board.
    pub board: Board,
    /// The printer's model.
    pub model: Model,
    /// The channel that it follows.
    pub channel: Channel,
    /// The repository; its path ends with a slash.
    pub repository: Url,
    /// The folder for everything that outlives a release.
    pub state: PathBuf,
    /// Bytes of a slot.
    pub capacity: u64,
    /// Boots that a new release has to confirm itself.
    pub trial_attempts: u8,
    /// A file of PEM certificates to trust besides the public ones.
    pub extra_ca: Option<PathBuf>,
    /// How long a connection may bring nothing.
    pub stall: Duration,
    /// How patient to be.
    pub retry: RetryPolicy,
    /// What the service needs.
    pub device: DeviceConfig,
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
    #[error("{key} in the configuration {path} is refused: {accepted}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is accepted.
        accepted: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    board: Board,
    model: Model,
    channel: Channel,
    repository: String,
    state: PathBuf,
    slots: RawSlots,
    #[serde(default)]
    network: RawNetwork,
    #[serde(default)]
    device: RawDevice,
    #[serde(default)]
    lan: RawLan,
    #[serde(default)]
    card: RawCard,
    #[serde(default)]
    machine: RawMachine,
    cloud: Option<RawCloud>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlots {
    capacity: u64,
    #[serde(default = "three")]
    trial_attempts: u8,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawNetwork {
    extra_ca: Option<PathBuf>,
    stall_seconds: Option<u64>,
    attempts: Option<u32>,
    first_wait_ms: Option<u64>,
    longest_wait_ms: Option<u64>,
    longest_retry_after_s: Option<u64>,
}

impl Config {
    /// Reads and checks the configuration at `path`, and what the printer's own file overrides of it. Settings for
    /// another printer than the running image is for help nobody, and are refused.
    pub fn load(path: &Path, running: &RunningRelease) -> Result<Self, ConfigError> {
        let defaults = read(path)?;
        let config = checked(defaults.clone(), path, running)?;
        let own = config.state.join(OVERRIDES);
        let overrides = match read(&own) {
            Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(config);
            }
            overrides => overrides?,
        };
        if overrides.contains_key("state") {
            return Err(ConfigError::Value {
                path: own,
                key: "state",
                accepted: format!("only {} says where it is", path.display()),
            });
        }
        // The defaults are in order: whatever is wrong now comes from the printer's own file.
        checked(overridden(defaults, overrides), &own, running)
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    text.parse().map_err(|source| form(path, source))
}

fn checked(table: Table, path: &Path, running: &RunningRelease) -> Result<Config, ConfigError> {
    let raw: RawConfig = table.try_into().map_err(|source| form(path, source))?;
    raw.check(running)
        .map_err(|(key, accepted)| ConfigError::Value {
            path: path.to_owned(),
            key,
            accepted,
        })
}

fn form(path: &Path, source: toml::de::Error) -> ConfigError {
    ConfigError::Form {
        path: path.to_owned(),
        source: Box::new(source),
    }
}

/// The defaults with each key of `overrides` in its place, table by table.
fn overridden(mut defaults: Table, overrides: Table) -> Table {
    for (key, value) in overrides {
        let value = match (defaults.remove(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => Value::Table(overridden(old, new)),
            (_, value) => value,
        };
        defaults.insert(key, value);
    }
    defaults
}

type Wrong = (&'static str, String);

impl RawConfig {
    fn check(self, running: &RunningRelease) -> Result<Config, Wrong> {
        let positive = |key, value: u64| match value {
            0 => Err((key, "it must be at least 1".to_owned())),
            value => Ok(value),
        };
        if self.board != running.board {
            let accepted = format!("the running image is for {}", running.board);
            return Err(("board", accepted));
        }
        if !running.models.contains(&self.model) {
            let accepted = format!("the running image serves {:?}", running.models);
            return Err(("model", accepted));
        }
        if !self.state.is_absolute() {
            return Err(("state", "an absolute path is accepted".to_owned()));
        }
        positive("slots.trial_attempts", self.slots.trial_attempts.into())?;
        let stall = positive(
            "network.stall_seconds",
            self.network.stall_seconds.unwrap_or(30),
        )?;
        Ok(Config {
            repository: repository(&self.repository)?,
            capacity: positive("slots.capacity", self.slots.capacity)?,
            stall: Duration::from_secs(stall),
            retry: self.network.retry()?,
            board: self.board,
            model: self.model,
            channel: self.channel,
            state: self.state,
            trial_attempts: self.slots.trial_attempts,
            extra_ca: self.network.extra_ca,
            device: RawTables {
                device: self.device,
                lan: self.lan,
                card: self.card,
                machine: self.machine,
                cloud: self.cloud,
            }
            .check()?,
        })
    }
}

impl RawNetwork {
    fn retry(&self) -> Result<RetryPolicy, Wrong> {
        let own = RetryPolicy::default();
        let attempts = self.attempts.unwrap_or(own.attempts);
        if !(1..=100).contains(&attempts) {
            return Err(("network.attempts", "1 to 100 are accepted".to_owned()));
        }
        let milliseconds = |value: Option<u64>, own| value.map_or(own, Duration::from_millis);
        Ok(RetryPolicy {
            attempts,
            first: milliseconds(self.first_wait_ms, own.first),
            longest: milliseconds(self.longest_wait_ms, own.longest),
            longest_on_request: self
                .longest_retry_after_s
                .map_or(own.longest_on_request, Duration::from_secs),
        })
    }
}

/// A URL to which `metadata/…` can be joined.
fn repository(text: &str) -> Result<Url, Wrong> {
    let wrong = |what: &str| ("repository", format!("{what}: `{text}`"));
    let mut url = Url::parse(text).map_err(|_| wrong("an http or https URL is accepted"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("an http or https URL is accepted"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("a URL without query and fragment is accepted"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn three() -> u8 {
    3
}

#[cfg(test)]
mod tests;
