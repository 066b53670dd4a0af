//! Everything that a plan is computed from, read once. Reads files, keys' public halves and git; changes nothing.

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::MetadataCommand;
use firstlayer_policy::ChannelManifest;
use firstlayer_signers::{
    DEVELOPMENT_PASSPHRASE, KeyDirectory, KeyEnvironment, KeySource, Passphrase, RolesConfig,
};
use jiff::Timestamp;
use semver::Version;

use super::{Environment, Request};
use crate::board::{self, Board};
use crate::channel::ChannelConfig;
use crate::checkout::Checkout;
use crate::problems::Problems;
use crate::repository::{Folder, State};
use crate::source::Source;
use crate::toolchain::process::is_secret;

/// The package whose version is the firmware's.
const FIRMWARE: &str = "printerd";

/// What a plan depends on, and nothing else.
pub struct Inputs {
    /// What was asked for.
    pub request: Request,
    /// Who signs what; in development by the names of the throwaway keys.
    pub roles: RolesConfig,
    /// What new releases of the channel are given.
    pub channel: ChannelConfig,
    /// Every board.
    pub boards: Vec<Board>,
    /// The version in the firmware's manifest.
    pub base: Version,
    /// The commit and the tree.
    pub source: Source,
    /// The top of the checkout that they lie in.
    pub root: Utf8PathBuf,
    /// Where keys are looked for.
    pub keys: KeySource,
    /// The trust anchor, once there is one.
    pub anchor: Option<Vec<u8>>,
    /// The repository's folder.
    pub folder: Folder,
    /// What it has published; `None` before there is an anchor to verify it from.
    pub state: Option<State>,
    /// The manifests of all channels as published.
    pub manifests: Vec<ChannelManifest>,
    /// The time of the run.
    pub now: Timestamp,
}

impl Inputs {
    /// Reads them all; whatever cannot be read goes into `problems`, and then there are no inputs.
    pub fn gather(
        checkout: &Checkout,
        request: &Request,
        now: Timestamp,
        problems: &mut Problems,
    ) -> Option<Self> {
        let roles = problems.take(read_roles(checkout, request.environment));
        let channels = checkout.root().join("manifests/channels");
        let channel = roles.as_ref().and_then(|roles| {
            problems.take(ChannelConfig::read(&channels, &request.channel, roles))
        });
        let boards = problems.take(board::all(checkout).map_err(Into::into));
        let base = problems.take(firmware_version(checkout.root()));
        let source = problems.take(Source::examine(checkout.root()));
        let keys = key_source(request.environment, &request.keys);
        let anchor_path = request.anchor(checkout);
        let anchor = problems.take(read_anchor(&anchor_path));
        let folder = Folder::new(&request.repository);
        let published = anchor.as_ref().and_then(|anchor| {
            problems.take(read_published(
                &folder,
                anchor.as_deref(),
                &channels,
                &anchor_path,
            ))
        });
        let (state, manifests) = published?;
        Some(Self {
            request: request.clone(),
            roles: roles?,
            channel: channel?,
            boards: boards?,
            base: base?,
            source: source?,
            root: checkout.root().to_owned(),
            keys,
            anchor: anchor?,
            folder,
            state,
            manifests,
            now,
        })
    }

    /// The manifest of the channel that is released to, if it is configured and was published.
    pub fn manifest(&self) -> Option<&ChannelManifest> {
        self.manifests
            .iter()
            .find(|manifest| *manifest.channel() == self.channel.name)
    }
}

/// The roles of an environment.
///
/// # Errors
/// What [`RolesConfig::parse`] says of `keys/roles.toml`.
pub fn read_roles(checkout: &Checkout, environment: Environment) -> Result<RolesConfig> {
    let path = checkout.root().join("keys/roles.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let roles = RolesConfig::parse(path.as_str(), &text)?;
    Ok(match environment {
        Environment::Development => roles.for_development(),
        Environment::Production => roles,
    })
}

/// The version in `printerd`'s manifest.
fn firmware_version(root: &Utf8Path) -> Result<Version> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps();
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_secret(name)) {
        command.env_remove(name);
    }
    let metadata = command.exec().context("cargo cannot read the workspace")?;
    let firmware = metadata
        .packages
        .into_iter()
        .find(|package| package.name.as_str() == FIRMWARE);
    Ok(firmware
        .with_context(|| format!("the workspace has no package `{FIRMWARE}`"))?
        .version)
}

/// Where the keys of an environment are looked for.
pub(crate) fn key_source(environment: Environment, folder: &Utf8Path) -> KeySource {
    let fallback = match environment {
        Environment::Development => Some(Passphrase::new(DEVELOPMENT_PASSPHRASE.to_owned())),
        Environment::Production => None,
    };
    // Throwaway keys have a passphrase that everyone knows; one that is set for real keys must not replace it.
    let variables = match environment {
        Environment::Development => KeyEnvironment::default(),
        Environment::Production => KeyEnvironment::from_process(),
    };
    KeySource::new(variables, KeyDirectory::new(folder.as_std_path()), fallback)
}

/// The anchor's bytes; `None` if there is none yet.
pub(crate) fn read_anchor(path: &Utf8Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the trust anchor {path}")),
    }
}

fn read_published(
    folder: &Folder,
    anchor: Option<&[u8]>,
    channels: &Utf8Path,
    anchor_path: &Utf8Path,
) -> Result<(Option<State>, Vec<ChannelManifest>)> {
    let Some(anchor) = anchor else {
        anyhow::ensure!(
            !folder.is_published(),
            "{} is a published repository, but its trust anchor is not at {anchor_path}; name the folder with its keys, or another repository",
            folder.path()
        );
        return Ok((None, Vec::new()));
    };
    let state = State::read(folder, anchor).with_context(|| {
        format!(
            "{anchor_path} does not lead to what {} holds",
            folder.path()
        )
    })?;
    let manifests = ChannelConfig::names(channels)?
        .into_iter()
        .map(|name| state.channel(folder, &name.parse()?))
        .collect::<Result<_>>()?;
    Ok((Some(state), manifests))
}
