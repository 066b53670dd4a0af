//! A channel's TOML, `manifests/channels/<name>.toml`: raw config in, checked config out.

use std::fs;

use anyhow::{Context, Result, anyhow, bail, ensure};
use camino::Utf8Path;
use firstlayer_bundle::Counter;
use firstlayer_policy::{Channel, Wave};
use firstlayer_signers::RolesConfig;
use jiff::Timestamp;
use semver::Version;
use serde::Deserialize;

use crate::period::Period;

/// As many as readers of a channel manifest take.
const MOST_WAVES: usize = 16;

/// What new releases of a channel are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Its name; also that of the role that signs it.
    pub name: Channel,
    /// Where printers find the repository: an `http` or `https` URL that ends with a slash.
    pub url: String,
    /// The anti-rollback counter of its new releases.
    pub counter: Counter,
    /// The oldest version that may jump straight to a new release.
    pub floor: Option<Version>,
    /// How a new release is rolled out, from its publication on; to everyone at once where there is none.
    pub waves: Vec<WaveConfig>,
}

/// So long after a release's publication, so many of a hundred printers are offered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveConfig {
    /// How long after.
    pub after: Period,
    /// How many, those of the waves before among them.
    pub percent: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Channel,
    url: String,
    counter: Counter,
    floor: Option<Version>,
    #[serde(default)]
    waves: Vec<WaveConfig>,
}

impl ChannelConfig {
    /// Reads the file of the channel `name` from `folder`, and checks it against the roles.
    ///
    /// # Errors
    /// Names the file, the key and what is accepted; for a channel that is not there, those that are.
    pub fn read(folder: &Utf8Path, name: &Channel, roles: &RolesConfig) -> Result<Self> {
        let path = folder.join(format!("{name}.toml"));
        if !path.is_file() {
            bail!(
                "there is no channel `{name}`: {path} is not there; the channels are {}",
                Self::names(folder)?.join(", ")
            );
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let raw: Raw =
            toml::from_str(&text).with_context(|| format!("{path} is no channel configuration"))?;
        ensure!(
            raw.name == *name,
            "{path}: name is `{}`, and must be `{name}`, as the file is called",
            raw.name
        );
        ensure!(
            is_url(&raw.url),
            "{path}: url is `{}`; accepted is http:// or https:// with a host, ending with a slash, in plain letters",
            raw.url
        );
        check_waves(&raw.waves).map_err(|problem| anyhow!("{path}: waves {problem}"))?;
        check_role(name, roles)
            .with_context(|| format!("{path} does not agree with keys/roles.toml"))?;
        Ok(Self {
            name: raw.name,
            url: raw.url,
            counter: raw.counter,
            floor: raw.floor,
            waves: raw.waves,
        })
    }

    /// The waves of a release that is published now.
    pub fn waves_from(&self, now: Timestamp) -> Vec<Wave> {
        let waves = self.waves.iter();
        waves
            .map(|wave| Wave {
                starts: wave.after.after(now),
                percent: wave.percent,
            })
            .collect()
    }

    /// The names of the channels that `folder` configures, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names(folder: &Utf8Path) -> Result<Vec<String>> {
        let entries = folder
            .read_dir_utf8()
            .with_context(|| format!("cannot list {folder}"))?;
        let mut names = Vec::new();
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list {folder}"))?
                .into_path();
            if path.extension() == Some("toml") {
                names.extend(path.file_stem().map(str::to_owned));
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Strict, because it is written into a configuration file: no quotes, no spaces, no control characters.
fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_~:/[]".contains(&b);
    rest.is_some_and(|rest| {
        rest.len() > 1 && !rest.starts_with('/') && rest.ends_with('/') && rest.bytes().all(plain)
    })
}

/// As readers of the manifest want them: each later and larger than the one before, and the last one for everybody.
fn check_waves(waves: &[WaveConfig]) -> Result<(), String> {
    let grows = |pair: &[WaveConfig]| match pair {
        [before, after] => before.after < after.after && before.percent < after.percent,
        _ => true,
    };
    match waves {
        [] => Ok(()),
        _ if waves.len() > MOST_WAVES => Err(format!("are more than {MOST_WAVES}")),
        [first, ..] if first.percent == 0 => Err("begin with an empty one".to_owned()),
        [.., last] if last.percent != 100 => Err(format!(
            "end with {} percent; accepted is 100",
            last.percent
        )),
        _ if !waves.windows(2).all(grows) => {
            Err("do not grow; accepted is each later and larger than the one before".to_owned())
        }
        _ => Ok(()),
    }
}

/// The role of the channel's name must be allowed to name its manifest and its bundles.
fn check_role(channel: &Channel, roles: &RolesConfig) -> Result<()> {
    let Some(delegation) = roles
        .delegations
        .iter()
        .find(|delegation| delegation.name == channel.as_str())
    else {
        bail!("there is no delegation named `{channel}`");
    };
    for needed in [format!("{channel}.json"), format!("{channel}-*")] {
        ensure!(
            delegation.paths.contains(&needed),
            "the delegation `{channel}` lacks the path `{needed}`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: &str = include_str!("../../keys/roles.toml");

    fn read(name: &str, text: &str) -> Result<ChannelConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        fs::write(path.join("stable.toml"), text).unwrap();
        ChannelConfig::read(
            path,
            &name.parse().unwrap(),
            &RolesConfig::parse("roles.toml", ROLES).unwrap(),
        )
    }

    #[test]
    fn the_projects_own_channels_are_right() {
        let folder = Utf8Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../manifests/channels"
        ));
        let roles = RolesConfig::parse("roles.toml", ROLES).unwrap();
        let names = ChannelConfig::names(folder).unwrap();
        assert_eq!(names, ["beta", "stable"]);
        for name in names {
            ChannelConfig::read(folder, &name.parse().unwrap(), &roles).unwrap();
        }
    }

    #[test]
    fn a_floor_is_a_version() {
        let config = read(
            "stable",
            "name = \"stable\"\nurl = \"https://updates.example/\"\ncounter = 7\nfloor = \"1.2.3\"",
        )
        .unwrap();
        assert_eq!(config.floor, Some(Version::new(1, 2, 3)));
        assert_eq!(config.counter.value(), 7);
        assert!(
            read(
                "stable",
                "name = \"stable\"\nurl = \"https://updates.example/\"\ncounter = 7\nfloor = \"1.2\""
            )
            .is_err()
        );
    }

    #[test]
    fn waves_count_from_the_publication_and_reach_everybody() {
        let text = "name = \"stable\"\nurl = \"https://updates.example/\"\ncounter = 1\nwaves = ";
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let waves = "[{ after = \"0h\", percent = 10 }, { after = \"7d\", percent = 100 }]";
        let config = read("stable", &format!("{text}{waves}")).unwrap();
        let starts: Vec<_> = config
            .waves_from(now)
            .iter()
            .map(|w| (w.starts.to_string(), w.percent))
            .collect();
        let expected = [("2026-06-01T00:00:00Z", 10), ("2026-06-08T00:00:00Z", 100)];
        assert_eq!(
            starts,
            expected.map(|(at, percent)| (at.to_owned(), percent))
        );
        for bad in [
            "[{ after = \"0h\", percent = 10 }]",
            "[{ after = \"0h\", percent = 0 }, { after = \"7d\", percent = 100 }]",
            "[{ after = \"7d\", percent = 10 }, { after = \"0h\", percent = 100 }]",
            "[{ after = \"soon\", percent = 100 }]",
            "[{ percent = 100 }]",
        ] {
            let error = format!("{:#}", read("stable", &format!("{text}{bad}")).unwrap_err());
            assert!(error.contains("stable.toml"), "{error}");
        }
    }

    #[test]
    fn a_counter_is_given_and_no_larger_than_readers_take() {
        let text = "name = \"stable\"\nurl = \"https://updates.example/\"\n";
        let without = format!("{:#}", read("stable", text).unwrap_err());
        assert!(
            without.contains("stable.toml") && without.contains("counter"),
            "{without}"
        );
        for bad in ["-1", "9007199254740992", "\"1\""] {
            assert!(
                read("stable", &format!("{text}counter = {bad}")).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn errors_name_file_key_and_what_is_accepted() {
        let unknown = format!(
            "{:#}",
            read(
                "stable",
                "name = \"stable\"\nurl = \"https://updates.example/\"\nflor = \"1.2.3\""
            )
            .unwrap_err()
        );
        assert!(
            unknown.contains("stable.toml")
                && unknown.contains("flor")
                && unknown.contains("floor"),
            "{unknown}"
        );
        let other = format!(
            "{:#}",
            read(
                "stable",
                "name = \"beta\"\nurl = \"https://updates.example/\"\ncounter = 1"
            )
            .unwrap_err()
        );
        assert!(other.contains("must be `stable`"), "{other}");
        let missing = format!(
            "{:#}",
            read(
                "nightly",
                "name = \"stable\"\nurl = \"https://updates.example/\""
            )
            .unwrap_err()
        );
        assert!(missing.contains("the channels are stable"), "{missing}");
    }

    #[test]
    fn a_url_that_would_break_the_printers_configuration_is_refused() {
        for bad in [
            "",
            "ftp://a/",
            "https:///",
            "https://a",
            "https://a b/",
            "https://a\\\"/",
            "https://a?b/",
        ] {
            let error = read(
                "stable",
                &format!("name = \"stable\"\nurl = \"{bad}\"\ncounter = 1"),
            )
            .unwrap_err();
            assert!(format!("{error:#}").contains("url"), "{bad}: {error:#}");
        }
    }
}
