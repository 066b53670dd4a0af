//! `xtask/toolchain.toml`: the wheels whose bytes are pinned. It is compiled in, so it always fits the code.

use serde::Deserialize;

use super::host::Host;
use crate::error::{Error, Result};

const FILE: &str = "xtask/toolchain.toml";
const TEXT: &str = include_str!("../../toolchain.toml");

/// Everything pinned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Pins {
    pub(crate) ziglang: Pin,
    pub(crate) cargo_zigbuild: Pin,
}

/// One program's version, and its wheel for each host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    pub(crate) version: semver::Version,
    x86_64: Wheel,
    aarch64: Wheel,
}

/// A wheel's exact bytes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheel {
    pub(crate) length: u64,
    pub(crate) sha256: firstlayer_bundle::Sha256,
}

impl Pins {
    pub(crate) fn load() -> Result<Self> {
        toml::from_str(TEXT).map_err(|error| Error::Config {
            file: FILE.into(),
            problem: error.to_string().trim_end().to_owned(),
        })
    }
}

impl Pin {
    pub(crate) fn wheel(&self, host: Host) -> &Wheel {
        match host {
            Host::X86_64 => &self.x86_64,
            Host::Aarch64 => &self.aarch64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_parse_and_each_host_has_its_own_bytes() {
        let pins = Pins::load().unwrap();
        for pin in [&pins.ziglang, &pins.cargo_zigbuild] {
            assert_ne!(
                pin.wheel(Host::X86_64).sha256,
                pin.wheel(Host::Aarch64).sha256
            );
            assert!(pin.wheel(Host::X86_64).length > 0);
        }
    }
}
