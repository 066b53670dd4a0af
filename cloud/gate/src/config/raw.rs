//! The configuration as it is written.

use std::net::SocketAddr;
use std::path::PathBuf;

use firstlayer_policy::Channel;
use serde::Deserialize;

use crate::secret::Place;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) listen: SocketAddr,
    pub(super) state: PathBuf,
    pub(super) audit: PathBuf,
    pub(super) repository: Repository,
    pub(super) census: Census,
    #[serde(default)]
    pub(super) reports: Reports,
    pub(super) tokens: Tokens,
    pub(super) files: Option<Files>,
    pub(super) mqtt: Option<Mqtt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repository {
    pub(super) url: String,
    pub(super) folder: Option<PathBuf>,
    pub(super) trust_anchor: PathBuf,
    pub(super) channels: Vec<Channel>,
    pub(super) refresh_seconds: Option<u64>,
    pub(super) extra_ca: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Census {
    pub(super) database: Option<String>,
    pub(super) database_url: Option<Place>,
    pub(super) retention_days: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Reports {
    pub(super) signed_within_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokens {
    pub(super) operator: Place,
    pub(super) service: Option<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) bucket: String,
    pub(super) key_id: String,
    pub(super) secret: Place,
    pub(super) lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mqtt {
    pub(super) secret: Place,
    pub(super) lifetime_seconds: Option<u64>,
    pub(super) dynamic_security: Option<DynamicSecurity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DynamicSecurity {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) username: String,
    pub(super) password: Place,
    pub(super) extra_ca: Option<PathBuf>,
}
