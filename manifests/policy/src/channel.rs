//! The channel manifest: every release of a channel, as its role signs it.
//!
//! Reading is strict about types and limits and lenient about fields it does not know, so that an older
//! printer can read what a newer release tool writes. A manifest that this module returns is valid.
//! It must never look at signatures: whoever calls has checked them.

use std::collections::BTreeMap;

use firstlayer_bundle::{Board, Counter};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{PolicyError, Release};

const FORMAT: u32 = 1;

firstlayer_bundle::name!(
    /// The name of a channel: `stable`, `beta`.
    Channel,
    "channel"
);

/// What a channel manifest may ask of its reader.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the document: stops one that would fill the memory.
    pub bytes: usize,
    /// Releases in it: stops one whose checks would take for ever.
    pub releases: usize,
}

/// Every release of one channel. Always valid: unique, ordered by version and board, counters that never fall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelManifest {
    format: u32,
    channel: Channel,
    releases: Vec<Release>,
}

impl ChannelManifest {
    /// A valid manifest of these releases, in any order.
    pub fn new(channel: Channel, mut releases: Vec<Release>) -> Result<Self, PolicyError> {
        releases.sort_by(|a, b| (&a.version, &a.board).cmp(&(&b.version, &b.board)));
        check_releases(&channel, &releases)?;
        Ok(Self {
            format: FORMAT,
            channel,
            releases,
        })
    }

    /// Reads a manifest of `channel` whose signatures hold.
    pub fn parse(bytes: &[u8], channel: &Channel, limits: &Limits) -> Result<Self, PolicyError> {
        limits.check_bytes(bytes)?;
        check_format(bytes, FORMAT)?;
        let raw: RawManifest = serde_json::from_slice(bytes).map_err(PolicyError::Malformed)?;
        limits.check_releases(&raw.releases)?;
        if &raw.channel != channel {
            return Err(PolicyError::OtherChannel {
                wanted: channel.clone(),
                found: raw.channel,
            });
        }
        Self::new(raw.channel, raw.releases)
    }

    /// The document: the same bytes for the same releases, whatever order they were given in.
    /// Errors: it has outgrown what readers take by default.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PolicyError> {
        let limits = Limits::default();
        limits.check_releases(&self.releases)?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(PolicyError::Malformed)?;
        bytes.push(b'\n');
        limits.check_bytes(&bytes)?;
        Ok(bytes)
    }

    /// The channel that it belongs to.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Its releases, oldest version first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The TUF target name of a channel's manifest: `{channel}.json`.
    pub fn target_name(channel: &Channel) -> String {
        format!("{channel}.json")
    }
}

impl Limits {
    fn check_bytes(&self, bytes: &[u8]) -> Result<(), PolicyError> {
        let (length, limit) = (bytes.len(), self.bytes);
        if length > limit {
            return Err(PolicyError::TooLong { length, limit });
        }
        Ok(())
    }

    fn check_releases(&self, releases: &[Release]) -> Result<(), PolicyError> {
        let (count, limit) = (releases.len(), self.releases);
        if count > limit {
            return Err(PolicyError::TooManyReleases { count, limit });
        }
        Ok(())
    }
}

/// The manifest as it is written, before its rules are checked.
#[derive(Deserialize)]
struct RawManifest {
    channel: Channel,
    releases: Vec<Release>,
}

#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// The format comes before all else: the rest of a format that is not known may mean anything.
pub(crate) fn check_format(bytes: &[u8], known: u32) -> Result<(), PolicyError> {
    let header: Header = serde_json::from_slice(bytes).map_err(PolicyError::Malformed)?;
    if header.format == known {
        Ok(())
    } else {
        Err(PolicyError::UnknownFormat {
            found: header.format,
            known,
        })
    }
}

/// `releases` are sorted by version: each is checked alone, then against its predecessor for the same board.
fn check_releases(channel: &Channel, releases: &[Release]) -> Result<(), PolicyError> {
    let mut newest: BTreeMap<&Board, (&Version, Counter)> = BTreeMap::new();
    for release in releases {
        release
            .check(channel)
            .and_then(|()| check_order(release, newest.get(&release.board)))
            .map_err(|problem| refused(release, problem))?;
        newest.insert(&release.board, (&release.version, release.counter));
    }
    Ok(())
}

fn check_order(release: &Release, before: Option<&(&Version, Counter)>) -> Result<(), String> {
    match before {
        Some((version, _)) if *version == &release.version => Err("it is listed twice".to_owned()),
        Some((version, counter)) if *counter > release.counter => Err(format!(
            "its counter {} is lower than {counter}, that of the older version {version}",
            release.counter
        )),
        _ => Ok(()),
    }
}

fn refused(release: &Release, problem: String) -> PolicyError {
    PolicyError::Release {
        version: Box::new(release.version.clone()),
        board: release.board.clone(),
        problem,
    }
}

impl Default for Limits {
    /// 4 MiB and 4096 releases: a release a week on ten boards for eight years.
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            releases: 4096,
        }
    }
}

#[cfg(test)]
mod tests;
