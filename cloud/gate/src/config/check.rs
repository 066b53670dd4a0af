//! The checks between what is written and what is used: each names its key and what it accepts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Url;
use reqwest::redirect::Policy;
use rustls::pki_types::ServerName;

use super::{Config, Database, MqttSettings, raw};
use crate::Tokens;
use crate::files::FileSettings;
use crate::limits::{CREDENTIALS, FETCH_PAUSE, REPORT_AGE, URL};
use crate::metadata::{Origin, Pace, Source};
use crate::mqtt::broker::BrokerSettings;
use crate::secret::Secret;
use crate::tls;

type Wrong = (&'static str, String);

impl raw::Config {
    pub(super) fn check(self, folder: &Path) -> Result<Config, Wrong> {
        let files = self.files.map(|files| files.check(folder)).transpose()?;
        let mqtt = self.mqtt.map(|mqtt| mqtt.check(folder)).transpose()?;
        let age = self.reports.signed_within_seconds.unwrap_or(300);
        let age = seconds("reports.signed_within_seconds", age, REPORT_AGE)?;
        let pace = self.repository.refresh_seconds.unwrap_or(60);
        let pace = seconds(
            "repository.refresh_seconds",
            pace,
            Duration::from_secs(24 * 3600),
        )?;
        let url = self.repository.url()?;
        let retention_days = self.census.retention_days.unwrap_or(400);
        if retention_days == 0 {
            return Err(("census.retention_days", "it must be at least 1".to_owned()));
        }
        Ok(Config {
            listen: self.listen,
            state: folder.join(self.state),
            audit: folder.join(self.audit),
            repository: url.to_string(),
            origin: self.repository.check(folder, url)?,
            pace: Pace(pace),
            database: self.census.check(folder)?,
            retention_days,
            report_age: SignedDuration::try_from(age).unwrap_or(SignedDuration::from_mins(5)),
            tokens: self.tokens.check(folder)?,
            files,
            mqtt,
        })
    }
}

impl raw::Repository {
    fn url(&self) -> Result<Url, Wrong> {
        let url = web("repository.url", &self.url)?;
        if url.path().ends_with('/') {
            return Ok(url);
        }
        Err(("repository.url", "it must end with a slash".to_owned()))
    }

    fn check(self, folder: &Path, base: Url) -> Result<Origin, Wrong> {
        if self.channels.is_empty() {
            let problem = "at least one channel must be named".to_owned();
            return Err(("repository.channels", problem));
        }
        let anchor = folder.join(&self.trust_anchor);
        let anchor = std::fs::read(&anchor).map_err(|error| {
            (
                "repository.trust_anchor",
                format!("{}: {error}", anchor.display()),
            )
        })?;
        let source = match self.folder {
            Some(path) => Source::Folder(folder.join(path)),
            None => Source::Web {
                base,
                client: client(self.extra_ca.map(|path| folder.join(path)))?,
            },
        };
        Ok(Origin {
            source,
            anchor,
            channels: self.channels,
        })
    }
}

impl raw::Census {
    fn check(self, folder: &Path) -> Result<Database, Wrong> {
        let text = match (self.database, self.database_url) {
            (Some(text), None) => sqlite(&text, folder)?,
            (None, Some(place)) => place
                .read(folder)
                .map_err(|problem| ("census.database_url", problem))?,
            _ => {
                let problem = "either this or census.database_url must be there".to_owned();
                return Err(("census.database", problem));
            }
        };
        let url = text.expose().parse();
        url.map(Database)
            .map_err(|error: firstlayer_census::DatabaseUrlError| {
                ("census.database_url", error.to_string())
            })
    }
}

impl raw::Tokens {
    fn check(self, folder: &Path) -> Result<Tokens, Wrong> {
        let operator = self.operator.read_unguessable(folder);
        let service = self.service.map(|place| place.read_unguessable(folder));
        Ok(Tokens {
            operator: operator.map_err(|problem| ("tokens.operator", problem))?,
            service: service
                .transpose()
                .map_err(|problem| ("tokens.service", problem))?,
        })
    }
}

impl raw::Files {
    fn check(self, folder: &Path) -> Result<FileSettings, Wrong> {
        let lifetime = self.lifetime_seconds.unwrap_or(300);
        Ok(FileSettings {
            endpoint: web("files.endpoint", &self.endpoint)?,
            region: self.region,
            bucket: self.bucket,
            key_id: self.key_id,
            secret: self
                .secret
                .read(folder)
                .map_err(|problem| ("files.secret", problem))?,
            lifetime: seconds("files.lifetime_seconds", lifetime, URL)?,
        })
    }
}

impl raw::Mqtt {
    fn check(self, folder: &Path) -> Result<MqttSettings, Wrong> {
        let lifetime = self.lifetime_seconds.unwrap_or(3600);
        let broker = self.dynamic_security.map(|broker| broker.check(folder));
        Ok(MqttSettings {
            secret: self
                .secret
                .read_unguessable(folder)
                .map_err(|problem| ("mqtt.secret", problem))?,
            lifetime: seconds("mqtt.lifetime_seconds", lifetime, CREDENTIALS)?,
            broker: broker.transpose()?,
        })
    }
}

impl raw::DynamicSecurity {
    fn check(self, folder: &Path) -> Result<BrokerSettings, Wrong> {
        let ca = self.extra_ca.map(|path| folder.join(path));
        let tls = tls::client(ca.as_deref())
            .map_err(|problem| ("mqtt.dynamic_security.extra_ca", problem))?;
        let name = ServerName::try_from(self.host.clone());
        Ok(BrokerSettings {
            server_name: name
                .map_err(|_| ("mqtt.dynamic_security.host", "it is no host".to_owned()))?,
            host: self.host,
            port: self.port.unwrap_or(8883),
            tls: Arc::new(tls),
            username: self.username,
            password: self
                .password
                .read(folder)
                .map_err(|problem| ("mqtt.dynamic_security.password", problem))?,
        })
    }
}

/// Anything else holds a password, and so has no place in the configuration itself.
fn sqlite(text: &str, folder: &Path) -> Result<Secret, Wrong> {
    let path = text.strip_prefix("sqlite:").ok_or_else(|| {
        let problem = "it takes sqlite:PATH; a URL with a password stands in a file or in the environment, \
             named by census.database_url";
        ("census.database", problem.to_owned())
    })?;
    let path = folder.join(path.strip_prefix("//").unwrap_or(path));
    Ok(Secret::new(&format!("sqlite:{}", path.display())))
}

fn web(key: &'static str, text: &str) -> Result<Url, Wrong> {
    let wrong = || {
        (
            key,
            "an http:// or https:// URL without user and query is accepted".to_owned(),
        )
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if plain && matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(wrong())
    }
}

fn seconds(key: &'static str, value: u64, most: Duration) -> Result<Duration, Wrong> {
    if (1..=most.as_secs()).contains(&value) {
        return Ok(Duration::from_secs(value));
    }
    Err((key, format!("1 to {} is accepted", most.as_secs())))
}

/// A client that follows no redirect: the repository is where the configuration says, also for printers.
fn client(extra_ca: Option<PathBuf>) -> Result<reqwest::blocking::Client, Wrong> {
    let key = "repository.extra_ca";
    let tls = tls::client(extra_ca.as_deref()).map_err(|problem| (key, problem))?;
    reqwest::blocking::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(FETCH_PAUSE)
        .user_agent(concat!("firstlayer-gate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| (key, format!("no HTTP client can be made: {error}")))
}
