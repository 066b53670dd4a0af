//! What is published: channels, releases, roles with their keys and expiry, and whose keys these are. Reads only.

use std::fmt;

use anyhow::{Result, ensure};
use camino::Utf8Path;
use firstlayer_bundle::{Board, Counter};
use firstlayer_metadata::PublicKey;
use firstlayer_policy::{Channel, Commit, Release, Wave};
use jiff::{Timestamp, Unit};
use semver::Version;
use serde::Serialize;

use crate::anchor::Anchor;
use crate::checkout::Checkout;
use crate::repository::{Folder, RoleState, State};

/// The report of `cargo xtask status`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The folder.
    pub repository: String,
    /// Whether throwaway keys sign it: nobody should trust it, and production firmware does not.
    pub development: bool,
    /// Why its root.json proves nothing, where it is none of the trust anchors that the checkout knows.
    pub stranger: Option<String>,
    /// Whether a client that comes now would refuse it.
    pub expired: bool,
    /// Every role.
    pub roles: Vec<Role>,
    /// Every channel that has published anything.
    pub channels: Vec<Published>,
}

/// One role as it is published.
#[derive(Debug, Clone, Serialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Whole days from now until then; negative once it has expired.
    pub days_left: i64,
    /// How many keys must sign it.
    pub threshold: u64,
    /// The names of the keys that may; a key without a name by its id.
    pub keys: Vec<String>,
}

/// One channel.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// Its name.
    pub name: Channel,
    /// Its releases, oldest first, one a version and board.
    pub releases: Vec<Listed>,
}

/// One release for one board.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its version.
    pub version: Version,
    /// The board.
    pub board: Board,
    /// Its anti-rollback counter.
    pub counter: Counter,
    /// When its commit was made.
    pub built: Timestamp,
    /// The commit that it was built from, if it was one.
    pub commit: Option<Commit>,
    /// Bytes of the bundle.
    pub length: u64,
    /// Of a hundred printers, how many are offered it now.
    pub rolled_out: u8,
    /// From when on how many are; nothing where it was offered to all at once.
    pub waves: Vec<Wave>,
    /// Why it is no longer on offer, if it is not.
    pub yanked: Option<String>,
}

/// Reads a repository as a client that has its `root.json`, or the anchor that is given.
///
/// # Errors
/// When nothing is published there, or it does not verify.
pub fn examine(
    checkout: &Checkout,
    repository: &Utf8Path,
    anchor: Option<&Utf8Path>,
    now: Timestamp,
) -> Result<Report> {
    let folder = Folder::new(repository);
    ensure!(
        folder.is_published(),
        "nothing is published in {repository}; `cargo xtask release` does that"
    );
    let anchor = Anchor::find(checkout, &folder, anchor)?;
    let state = State::read(&folder, &anchor.bytes)?;
    let roles: Vec<Role> = state
        .roles()
        .iter()
        .map(|role| describe(role, now))
        .collect();
    Ok(Report {
        repository: repository.to_string(),
        development: state.trusted().root().is_development(),
        stranger: anchor.stranger,
        expired: roles.iter().any(|role| role.expires <= now),
        channels: channels(&folder, &state, now)?,
        roles,
    })
}

fn channels(folder: &Folder, state: &State, now: Timestamp) -> Result<Vec<Published>> {
    let mut channels = Vec::new();
    for name in state.channels() {
        let manifest = state.channel(folder, &name)?;
        if !manifest.releases().is_empty() {
            channels.push(Published {
                name,
                releases: manifest
                    .releases()
                    .iter()
                    .map(|release| listed(release, now))
                    .collect(),
            });
        }
    }
    Ok(channels)
}

fn listed(release: &Release, now: Timestamp) -> Listed {
    Listed {
        version: release.version.clone(),
        board: release.board.clone(),
        counter: release.counter,
        built: release.built,
        commit: release.commit.clone(),
        length: release.bundle.length,
        rolled_out: release.rolled_out_percent(now),
        waves: release.waves.clone(),
        yanked: release.yanked.clone(),
    }
}

fn describe(role: &RoleState, now: Timestamp) -> Role {
    let expires = role.expires.timestamp();
    let left = expires
        .since((Unit::Hour, now))
        .map_or(0, |span| i64::from(span.get_hours()));
    let name = |key: &PublicKey| {
        key.name()
            .map_or_else(|| key.key_id().to_string(), str::to_owned)
    };
    Role {
        name: role.name.to_string(),
        version: role.version,
        expires,
        days_left: left.div_euclid(24),
        threshold: role.threshold,
        keys: role.keys.iter().map(name).collect(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.repository)?;
        if self.development {
            writeln!(
                f,
                "  signed by DEVELOPMENT keys: for trying out only; production firmware refuses it"
            )?;
        }
        if let Some(stranger) = &self.stranger {
            writeln!(f, "  UNKNOWN: {stranger}")?;
        }
        if self.expired {
            writeln!(
                f,
                "  EXPIRED: clients refuse it until `cargo xtask release` has signed it again"
            )?;
        }
        for role in &self.roles {
            let (name, version, threshold) = (&role.name, role.version, role.threshold);
            let left = match role.days_left {
                days if days < 0 => "EXPIRED".to_owned(),
                days => format!("{days} days left"),
            };
            writeln!(
                f,
                "  {name:12} {version:>4}  {left:16} {threshold} of {}",
                role.keys.join(", ")
            )?;
        }
        for channel in &self.channels {
            writeln!(f, "{}", channel.name)?;
            channel
                .releases
                .iter()
                .try_for_each(|release| writeln!(f, "  {release}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:32} {:14} counter {}  {} bytes",
            self.version.to_string(),
            self.board.to_string(),
            self.counter,
            self.length
        )?;
        let next = self
            .waves
            .iter()
            .find(|wave| wave.percent > self.rolled_out);
        if let Some(wave) = next {
            write!(
                f,
                "  offered to {} of 100, from {} on to {}",
                self.rolled_out, wave.starts, wave.percent
            )?;
        }
        self.yanked
            .as_ref()
            .map_or(Ok(()), |why| write!(f, "  yanked: {why}"))
    }
}
