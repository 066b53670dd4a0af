//! The cloud's settings, checked: what would speak clear text never becomes a value.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::Url;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use zeroize::Zeroizing;

use super::limits::LARGEST_FILE;
use crate::{
    backoff::Backoff,
    config::device::{CloudConfig, MqttVersion},
    tls::{self, AuthorityError},
};

/// MQTT over TLS, as registered.
const PORT: u16 = 8883;
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Everything that a link to the cloud needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the broker is.
    pub broker: Broker,
    /// User name.
    pub username: String,
    /// Its password.
    pub password: Option<Password>,
    /// The protocol's version.
    pub version: Version,
    /// Whom to believe that it is the broker.
    pub trust: Trust,
    /// How long nothing is said before the broker is asked whether it is there.
    pub keepalive: Duration,
    /// How long to wait before connecting again.
    pub backoff: Backoff,
}

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V311,
    /// 5.0.
    V5,
}

/// Whom to believe.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The public authorities.
    Public,
    /// The operator's authorities, and no other.
    Pinned(RootCertStore),
}

/// A broker that is reached over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What its certificate must say.
    pub server_name: ServerName<'static>,
}

/// The password for the broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

/// A broker that is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// It is not a URL of a broker.
    #[error("a URL such as mqtts://cloud.example.org:8883 is accepted")]
    Form,
    /// The connection would be in clear text.
    #[error("{scheme}:// is in clear text; mqtts:// is accepted")]
    ClearText {
        /// The scheme that was asked for.
        scheme: String,
    },
    /// Another protocol.
    #[error("{scheme}:// is not spoken; mqtts:// is accepted")]
    Scheme {
        /// The scheme that was asked for.
        scheme: String,
    },
    /// Who connects stands elsewhere.
    #[error("the user belongs into cloud.username and cloud.password_file")]
    User,
    /// More than a host and a port.
    #[error("a host and a port are accepted")]
    Excess,
}

/// Settings that cannot be used: whoever wrote them has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A file that cannot be read.
    #[error("{key}, {path}, cannot be read")]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The authorities cannot be used.
    #[error("cloud.ca, {path}, is refused")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: AuthorityError,
    },
    /// The user name cannot be sent.
    #[error("cloud.username is refused: 1 to 256 bytes without control characters are accepted")]
    Username,
    /// The password cannot be sent.
    #[error("cloud.password_file is refused: 1 to 1024 bytes on one line are accepted")]
    Password,
}

impl Settings {
    /// Checks the configuration, and reads the files that it names. The user name, if none is set, is the serial
    /// number.
    pub fn load(
        config: &CloudConfig,
        serial: &str,
        backoff: Backoff,
    ) -> Result<Self, SettingsError> {
        let username = config.username.as_deref().unwrap_or(serial);
        if username.is_empty() || username.len() > 256 || username.chars().any(char::is_control) {
            return Err(SettingsError::Username);
        }
        let password = config.password_file.as_deref().map(Password::read);
        let trust = config.ca.as_deref().map(Trust::read);
        Ok(Self {
            broker: config.broker.clone(),
            username: username.to_owned(),
            password: password.transpose()?,
            version: match config.mqtt {
                MqttVersion::V5 => Version::V5,
                MqttVersion::V311 => Version::V311,
            },
            trust: trust.transpose()?.unwrap_or(Trust::Public),
            keepalive: KEEPALIVE,
            backoff,
        })
    }

    pub(super) fn tls(&self, passed: Timestamp) -> Result<ClientConfig, rustls::Error> {
        let roots = match &self.trust {
            Trust::Public => tls::public_authorities(),
            Trust::Pinned(roots) => roots.clone(),
        };
        tls::client(roots, passed)
    }
}

impl Broker {
    /// `mqtts://host` or `mqtts://host:port`. What the URL holds besides is not repeated in an error: it may be a
    /// password.
    pub fn parse(text: &str) -> Result<Self, BrokerError> {
        let url = Url::parse(text).map_err(|_| BrokerError::Form)?;
        let scheme = url.scheme().to_owned();
        match scheme.as_str() {
            "mqtts" => {}
            "mqtt" | "tcp" | "ws" | "http" => return Err(BrokerError::ClearText { scheme }),
            // What has no `//` is a host and a port without a scheme.
            _ if url.cannot_be_a_base() => return Err(BrokerError::Form),
            _ => return Err(BrokerError::Scheme { scheme }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BrokerError::User);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(BrokerError::Excess);
        }
        let host = url.host_str().ok_or(BrokerError::Form)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(PORT),
            server_name: ServerName::try_from(host.to_owned()).map_err(|_| BrokerError::Form)?,
        })
    }
}

impl Trust {
    fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = read("cloud.ca", path)?;
        let mut roots = RootCertStore::empty();
        tls::add_authorities(&mut roots, text.as_slice()).map_err(|source| {
            SettingsError::Authority {
                path: path.to_owned(),
                source,
            }
        })?;
        Ok(Self::Pinned(roots))
    }
}

impl Password {
    /// A password, without the line's end that editors leave behind it.
    pub fn new(bytes: &[u8]) -> Result<Self, SettingsError> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() || bytes.len() > 1024 || bytes.contains(&b'\n') {
            return Err(SettingsError::Password);
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    fn read(path: &Path) -> Result<Self, SettingsError> {
        Self::new(&read("cloud.password_file", path)?)
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

fn read(key: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    let mut text = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut text))
        .map_err(|source| SettingsError::Read {
            key,
            path: path.to_owned(),
            source,
        })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    fn config(broker: &str) -> CloudConfig {
        CloudConfig {
            broker: Broker::parse(broker).unwrap(),
            ca: None,
            username: None,
            password_file: None,
            mqtt: MqttVersion::V5,
        }
    }

    fn refusal(config: &CloudConfig) -> String {
        Settings::load(config, "01S00A", BACKOFF)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_broker_over_tls_is_accepted_by_name_or_address() {
        for (text, host, port) in [
            ("mqtts://cloud.example.org", "cloud.example.org", 8883),
            ("mqtts://cloud.example.org:443/", "cloud.example.org", 443),
            ("mqtts://192.0.2.1", "192.0.2.1", 8883),
            ("mqtts://[2001:db8::1]:8884", "2001:db8::1", 8884),
        ] {
            let broker = Broker::parse(text).unwrap();
            assert_eq!((broker.host.as_str(), broker.port), (host, port));
        }
        let settings =
            Settings::load(&config("mqtts://cloud.example.org"), "01S00A", BACKOFF).unwrap();
        assert_eq!(settings.username, "01S00A");
    }

    #[test]
    fn clear_text_is_refused_when_the_configuration_is_read() {
        for text in [
            "mqtt://c:1883",
            "tcp://c:1883",
            "ws://c",
            "http://c",
            "MQTT://c",
        ] {
            let error = Broker::parse(text).unwrap_err();
            assert!(matches!(error, BrokerError::ClearText { .. }), "{text}");
        }
    }

    #[test]
    fn what_is_no_broker_is_refused() {
        for (text, words) in [
            ("cloud.example.org", "a URL such as"),
            ("cloud.example.org:8883", "a URL such as"),
            ("mqtts://", "a URL such as"),
            ("wss://c", "not spoken"),
            ("mqtts://c/path", "a host and a port"),
            ("mqtts://c?x", "a host and a port"),
            ("mqtts://me:hunter2@c", "cloud.password_file"),
        ] {
            let text = Broker::parse(text).unwrap_err().to_string();
            assert!(text.contains(words) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let with = |ca: Option<&Path>, password_file: Option<&Path>| CloudConfig {
            ca: ca.map(Path::to_owned),
            password_file: password_file.map(Path::to_owned),
            ..config("mqtts://c")
        };
        assert!(refusal(&with(Some(&empty), None)).contains("cloud.ca"));
        assert!(refusal(&with(Some(&folder.path().join("absent")), None)).contains("cloud.ca"));
        assert!(refusal(&with(None, Some(&empty))).contains("cloud.password_file"));
        assert!(refusal(&with(None, Some(Path::new("/dev/zero")))).contains("cloud.password_file"));
    }

    #[test]
    fn a_password_loses_its_lines_end_and_shows_in_no_log() {
        let password = Password::new(b"hunter2\r\n").unwrap();
        assert_eq!(password.expose(), b"hunter2");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
