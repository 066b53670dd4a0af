//! The part of the configuration that the service needs and the update commands do not.
//!
//! ```toml
//! [device]
//! serial = "01S00A000000001"   # of this printer alone: belongs into the printer's own file
//! name = "Workshop"            # what clients show
//!
//! [lan]                        # all of it may be left out
//! address = "::"               # where LAN mode listens while it is on
//! mqtt_port = 8883
//! ftps_port = 990
//! discovery_port = 2021
//!
//! [card]
//! folder = "/sdcard"
//! largest_file = 4_294_967_296 # bytes
//! keep_free = 67_108_864       # bytes that uploads leave
//!
//! [machine]
//! speed = 1                    # of the simulated machine: 60 prints an hour's job in a minute
//!
//! [cloud]                      # left out: no cloud
//! broker = "mqtts://cloud.example.org:8883"
//! ca = "/etc/printerd/cloud-ca.pem"  # the only authority to believe; left out: the public ones
//! username = "01S00A000000001"
//! password_file = "/var/lib/printerd/cloud-password"
//! mqtt = "5"                   # or "3.1.1"
//! ```

use std::{fmt, net::IpAddr, path::PathBuf};

use firstlayer_machine::Pace;
use serde::Deserialize;

use super::Wrong;
use crate::cloud::Broker;

const MQTT_PORT: u16 = 8883;
const FTPS_PORT: u16 = 990;
const DISCOVERY_PORT: u16 = 2021;
/// FAT's largest file.
const LARGEST_FILE: u64 = 4 << 30;
const KEEP_FREE: u64 = 64 << 20;

/// Checked settings of the service.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// The serial number, where one is set.
    pub serial: Option<Serial>,
    /// What clients show.
    pub name: String,
    /// Where LAN mode listens.
    pub lan: LanConfig,
    /// The card.
    pub card: CardConfig,
    /// How much faster than a real machine the simulated one prints.
    pub machine_pace: Pace,
    /// The cloud's broker, if there is a cloud.
    pub cloud: Option<CloudConfig>,
}

/// A printer's serial number: 1 to 32 capital letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Serial(String);

/// Where LAN mode listens while it is on.
#[derive(Debug, Clone)]
pub struct LanConfig {
    /// The address; `::` is every address.
    pub address: IpAddr,
    /// MQTT over TLS.
    pub mqtt_port: u16,
    /// FTP over implicit TLS.
    pub ftps_port: u16,
    /// Discovery, UDP.
    pub discovery_port: u16,
}

/// The card, and what uploads may take of it.
#[derive(Debug, Clone)]
pub struct CardConfig {
    /// Its folder; `card` in the state folder, if none is set.
    pub folder: Option<PathBuf>,
    /// Bytes of the largest file.
    pub largest_file: u64,
    /// Bytes that uploads leave free.
    pub keep_free: u64,
}

/// How the cloud's broker is reached, as far as it can be checked without reading files.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// The broker.
    pub broker: Broker,
    /// The only authority to believe.
    pub ca: Option<PathBuf>,
    /// User name; the serial number, if none is set.
    pub username: Option<String>,
    /// Where the password is.
    pub password_file: Option<PathBuf>,
    /// The protocol's version.
    pub mqtt: MqttVersion,
}

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum MqttVersion {
    /// 5.0.
    #[default]
    #[serde(rename = "5")]
    V5,
    /// 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDevice {
    serial: Option<Serial>,
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLan {
    address: Option<IpAddr>,
    mqtt_port: Option<u16>,
    ftps_port: Option<u16>,
    discovery_port: Option<u16>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCard {
    folder: Option<PathBuf>,
    largest_file: Option<u64>,
    keep_free: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachine {
    speed: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCloud {
    broker: String,
    ca: Option<PathBuf>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    mqtt: MqttVersion,
}

/// The raw tables together.
pub(super) struct RawTables {
    pub(super) device: RawDevice,
    pub(super) lan: RawLan,
    pub(super) card: RawCard,
    pub(super) machine: RawMachine,
    pub(super) cloud: Option<RawCloud>,
}

impl RawTables {
    pub(super) fn check(self) -> Result<DeviceConfig, Wrong> {
        let pace = Pace::new(self.machine.speed.unwrap_or(1));
        let pace = pace.ok_or(("machine.speed", "1 to 10000 are accepted".to_owned()))?;
        let name = self.device.name.unwrap_or_else(|| "Printer".to_owned());
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err((
                "device.name",
                "1 to 64 bytes without control characters are accepted".to_owned(),
            ));
        }
        Ok(DeviceConfig {
            serial: self.device.serial,
            name,
            lan: self.lan.check()?,
            card: CardConfig {
                folder: self.card.folder,
                largest_file: self.card.largest_file.unwrap_or(LARGEST_FILE),
                keep_free: self.card.keep_free.unwrap_or(KEEP_FREE),
            },
            machine_pace: pace,
            cloud: self.cloud.map(RawCloud::check).transpose()?,
        })
    }
}

impl RawLan {
    fn check(self) -> Result<LanConfig, Wrong> {
        let lan = LanConfig {
            address: self.address.unwrap_or(IpAddr::from([0_u16; 8])),
            mqtt_port: self.mqtt_port.unwrap_or(MQTT_PORT),
            ftps_port: self.ftps_port.unwrap_or(FTPS_PORT),
            discovery_port: self.discovery_port.unwrap_or(DISCOVERY_PORT),
        };
        // The ports of MQTT and FTP in clear text: whoever finds them open believes that clear text is spoken.
        for (key, port) in [
            ("lan.mqtt_port", lan.mqtt_port),
            ("lan.ftps_port", lan.ftps_port),
        ] {
            if matches!(port, 0 | 21 | 1883) {
                return Err((key, "0, 21 and 1883 are not accepted".to_owned()));
            }
        }
        if lan.mqtt_port == lan.ftps_port {
            return Err((
                "lan.ftps_port",
                "another port than lan.mqtt_port is accepted".to_owned(),
            ));
        }
        Ok(lan)
    }
}

impl RawCloud {
    fn check(self) -> Result<CloudConfig, Wrong> {
        let Self {
            broker,
            ca,
            username,
            password_file,
            mqtt,
        } = self;
        let broker = Broker::parse(&broker).map_err(|error| ("cloud.broker", error.to_string()))?;
        Ok(CloudConfig {
            broker,
            ca,
            username,
            password_file,
            mqtt,
        })
    }
}

impl TryFrom<String> for Serial {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fit = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(fit) {
            Ok(Self(text))
        } else {
            Err("a serial number has 1 to 32 capital letters, digits and hyphens")
        }
    }
}

impl Serial {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
