//! The plan: what a release will do, computed before anything is done. Pure; execution takes nothing else.

use std::fmt;

use camino::Utf8PathBuf;
use firstlayer_bundle::{Board, Counter, Identity, Model};
use firstlayer_policy::{Channel, Release, Wave};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::signing::{self, Signing};
use super::{Environment, Inputs, Probing};
use crate::probe;
use crate::source::Source;
use crate::version;

/// What will be done, in order: keys, anchor, boards, signatures, publication, verification.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Whose keys sign.
    pub environment: Environment,
    /// Where the release goes.
    pub channel: Channel,
    /// What it is called.
    pub version: Version,
    /// Its anti-rollback counter: the channel's.
    pub counter: Counter,
    /// The oldest version that may jump straight to it.
    pub floor: Option<Version>,
    /// From when on how many printers are offered it; all at once where there are none.
    pub waves: Vec<Wave>,
    /// Where printers will look for the repository.
    pub url: String,
    /// What it is made of.
    pub source: Source,
    /// The folder that is published into.
    pub repository: Utf8PathBuf,
    /// The folder with the keys.
    pub keys: Utf8PathBuf,
    /// The trust anchor.
    pub anchor: Utf8PathBuf,
    /// Throwaway keys that are made first.
    pub make_keys: Vec<String>,
    /// Whether the trust anchor is made.
    pub make_anchor: bool,
    /// Boards that are built, imaged and bundled; none if the version is published already.
    pub boards: Vec<BoardPlan>,
    /// Whether it is measured what their images can do.
    pub probing: Probing,
    /// Metadata that is signed, in this order.
    pub signings: Vec<Signing>,
}

/// One board's part of a release.
#[derive(Debug, Clone, Serialize)]
pub struct BoardPlan {
    /// Which board.
    pub board: Board,
    /// The printers that have it.
    pub models: Vec<Model>,
    /// What the compiler builds for.
    pub target: String,
    /// Bytes that the root slot holds.
    pub slot: u64,
    /// The bundle's target name.
    pub bundle: String,
}

/// Why no plan can be made from inputs that are otherwise in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The version's parts do not form one.
    #[error("the commit gives no semantic version")]
    Version(#[from] semver::Error),
}

impl Plan {
    /// Computes the plan.
    ///
    /// # Errors
    /// [`PlanError`]; whatever speaks against the plan itself is preflight's to say.
    pub fn compute(inputs: &Inputs, anchor: Utf8PathBuf) -> Result<Self, PlanError> {
        let version = version(inputs)?;
        let boards = boards(inputs, &version);
        Ok(Self {
            environment: inputs.request.environment,
            channel: inputs.channel.name.clone(),
            counter: counter(inputs, &version),
            floor: inputs.channel.floor.clone(),
            waves: waves(inputs, &version),
            url: inputs.channel.url.clone(),
            source: inputs.source.clone(),
            repository: inputs.request.repository.clone(),
            keys: inputs.request.keys.clone(),
            anchor,
            make_keys: signing::keys_to_make(inputs),
            make_anchor: inputs.anchor.is_none()
                && inputs.request.environment == Environment::Development,
            signings: signing::needed(inputs, !boards.is_empty()),
            probing: inputs.request.probing,
            boards,
            version,
        })
    }

    /// Whether everything is as the plan wants it already.
    pub fn is_done(&self) -> bool {
        self.boards.is_empty() && self.signings.is_empty()
    }

    /// The time that goes into images and manifests: the commit's.
    pub fn built(&self) -> Timestamp {
        self.source.time
    }

    /// What a board's bundle says of itself.
    pub fn identity(&self, board: &BoardPlan) -> Identity {
        Identity {
            board: board.board.clone(),
            models: board.models.clone(),
            version: self.version.clone(),
            counter: self.counter,
        }
    }
}

fn version(inputs: &Inputs) -> Result<Version, PlanError> {
    match inputs.request.environment {
        Environment::Production => Ok(inputs.base.clone()),
        Environment::Development => {
            let published: Vec<Version> = releases(inputs)
                .map(|release| release.version.clone())
                .collect();
            Ok(version::development(
                &inputs.base,
                &inputs.source,
                &published,
            )?)
        }
    }
}

/// A version keeps its counter; a new one gets the channel's.
fn counter(inputs: &Inputs, version: &Version) -> Counter {
    let published = inputs.manifest().into_iter().flat_map(|m| m.releases());
    published
        .filter(|release| release.version == *version)
        .map(|release| release.counter)
        .next()
        .unwrap_or(inputs.channel.counter)
}

/// A version keeps its waves; those of a new one begin with its publication.
fn waves(inputs: &Inputs, version: &Version) -> Vec<Wave> {
    let mut published = inputs.manifest().into_iter().flat_map(|m| m.releases());
    published
        .find(|release| release.version == *version)
        .map_or_else(
            || inputs.channel.waves_from(inputs.now),
            |release| release.waves.clone(),
        )
}

fn boards(inputs: &Inputs, version: &Version) -> Vec<BoardPlan> {
    let published = |board: &Board| {
        inputs.manifest().is_some_and(|manifest| {
            manifest
                .releases()
                .iter()
                .any(|release| release.version == *version && release.board == *board)
        })
    };
    let mut boards = every_board(inputs, version);
    boards.retain(|board| !published(&board.board));
    boards
}

/// Every board, published or not.
pub(crate) fn every_board(inputs: &Inputs, version: &Version) -> Vec<BoardPlan> {
    let boards = inputs.boards.iter();
    boards
        .map(|board| BoardPlan {
            bundle: Release::bundle_name(&inputs.channel.name, version, &board.name),
            board: board.name.clone(),
            models: board.models.clone(),
            target: board.target.triple().to_owned(),
            slot: board.slots.root,
        })
        .collect()
}

fn releases(inputs: &Inputs) -> impl Iterator<Item = &Release> {
    inputs
        .manifests
        .iter()
        .flat_map(|manifest| manifest.releases())
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = match self.environment {
            Environment::Development => "development keys",
            Environment::Production => "production keys",
        };
        writeln!(
            f,
            "release {} (counter {}) to {}, with {keys}",
            self.version, self.counter, self.channel
        )?;
        writeln!(f, "  from   {}", self.state_of_source())?;
        writeln!(f, "  into   {}", self.repository)?;
        if self.is_done() {
            return writeln!(
                f,
                "  nothing to do: it is published, and no signature is near its end"
            );
        }
        if !self.make_keys.is_empty() {
            writeln!(
                f,
                "  make   {} development keys in {}",
                self.make_keys.len(),
                self.keys
            )?;
        }
        if self.make_anchor {
            writeln!(f, "  make   the trust anchor {}", self.anchor)?;
        }
        for board in &self.boards {
            writeln!(
                f,
                "  build  {} for {}, image, {}",
                board.board, board.target, board.bundle
            )?;
        }
        if !self.boards.is_empty() {
            self.waves.iter().try_for_each(|wave| {
                writeln!(
                    f,
                    "  offer  to {} of 100 printers from {} on",
                    wave.percent, wave.starts
                )
            })?;
        }
        self.write_probing(f)?;
        for signing in &self.signings {
            writeln!(f, "  sign   {signing}")?;
        }
        writeln!(f, "  publish, then fetch back and verify as a printer does")
    }
}

impl Plan {
    fn write_probing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let boards: Vec<_> = self.boards.iter().map(|plan| plan.board.as_str()).collect();
        match self.probing {
            _ if boards.is_empty() => Ok(()),
            Probing::Measure => writeln!(
                f,
                "  probe  {} under emulation, for {} capabilities",
                boards.join(", "),
                probe::capabilities().len()
            ),
            Probing::SkipAndClaimNothing => {
                writeln!(f, "  NO PROBE: nothing is measured, and nothing is claimed")
            }
        }
    }

    fn state_of_source(&self) -> String {
        let commit = self.source.commit.as_str();
        let commit = commit.get(..12).unwrap_or(commit);
        let changed = if self.source.changed.is_some() {
            " with uncommitted changes"
        } else {
            ""
        };
        let shallow = if self.source.shallow {
            ", in a shallow clone: its commit count is not the true one"
        } else {
            ""
        };
        format!("commit {commit} of {}{changed}{shallow}", self.source.time)
    }
}
