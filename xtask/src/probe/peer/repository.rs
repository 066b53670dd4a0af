//! A throwaway TUF repository with one release: made on the spot by the project's own authoring half, with keys that
//! live in memory alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use anyhow::{Context, Result};
use firstlayer_bundle::{Identity, Options, PayloadSource};
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    DelegatedPaths, DelegatedRole, Delegations, Expires, MetaFile, PathPattern, Role, RoleKeys,
    RoleName, Root, RootRoles, Sign as _, Snapshot, TargetFile, Targets, Timestamp,
};
use firstlayer_policy::{BundleTarget, Channel, ChannelManifest, Release};
use firstlayer_signers::Signer;
use jiff::{SignedDuration, Timestamp as Time};

use super::web::{Page, Pages};
use crate::release::{ROOT, RootImage, Settings};
use crate::repository::stored_name;

/// Longer than any probe takes.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The keys of a repository, one a role, and who they are.
pub(crate) struct Repository {
    root: Signer,
    targets: Signer,
    snapshot: Signer,
    timestamp: Signer,
    channel: Signer,
    name: Channel,
    expires: Expires,
    /// The first root: what a printer of this repository has in its image.
    pub(crate) anchor: Vec<u8>,
}

impl Repository {
    /// New keys, whose metadata is fresh at `now` and for a day after.
    pub(crate) fn new(channel: &Channel, now: Time) -> Result<Self> {
        let key = |name: &str| -> Result<Signer> { Ok(Signer::ephemeral(name.parse()?)?) };
        let mut repository = Self {
            root: key("probe-root")?,
            targets: key("probe-targets")?,
            snapshot: key("probe-snapshot")?,
            timestamp: key("probe-timestamp")?,
            channel: key("probe-channel")?,
            name: channel.clone(),
            expires: Expires::at(now.checked_add(LIFETIME)?),
            anchor: Vec::new(),
        };
        let draft = Draft::root(repository.first_root()?, None)?;
        repository.anchor = finish(draft, &repository.root)?.1;
        Ok(repository)
    }

    fn first_root(&self) -> Result<Root> {
        let signers = [&self.root, &self.timestamp, &self.snapshot, &self.targets];
        let keys = signers.map(|signer| signer.public_key().clone());
        let [root, timestamp, snapshot, targets] = signers.map(held_by);
        let roles = RootRoles {
            root: root?,
            timestamp: timestamp?,
            snapshot: snapshot?,
            targets: targets?,
        };
        Ok(Root::new(1, self.expires, keys, roles))
    }

    /// The repository's files with this bundle as the channel's only release.
    pub(crate) fn publish(&self, made: &MadeBundle) -> Result<Pages> {
        let mut pages = Pages::new();
        let manifest = ChannelManifest::new(self.name.clone(), vec![made.release.clone()])?;
        let name = ChannelManifest::target_name(&self.name);
        let targets = [
            (made.release.bundle.target.clone(), made.bytes.clone()),
            (name, manifest.to_bytes()?),
        ];
        let mut listed = Targets::new(1, self.expires);
        for (name, bytes) in targets {
            let file = TargetFile::of(&bytes);
            let path = format!("targets/{}", stored_name(&name, &file));
            pages.insert(path, Page::Bytes(bytes));
            listed.targets.insert(name.parse()?, file);
        }
        self.sign(listed, &mut pages)?;
        Ok(pages)
    }

    /// Signs every role, the channel's first: each one lists those before it.
    fn sign(&self, listed: Targets, pages: &mut Pages) -> Result<()> {
        let (channel, top): (RoleName, RoleName) =
            (self.name.as_str().parse()?, "targets".parse()?);
        let delegations = self.delegations(&channel)?;
        let mut targets = Targets::new(1, self.expires);
        targets.delegations = Some(delegations.clone());
        let root = self.first_root()?;
        let mut add = |(name, bytes): (String, Vec<u8>)| {
            let meta = MetaFile::of(1, &bytes);
            pages.insert(format!("metadata/{name}"), Page::Bytes(bytes));
            meta
        };
        let delegated = Draft::delegated(&channel, listed, &top, &delegations)?;
        let meta = BTreeMap::from([
            (channel, add(finish(delegated, &self.channel)?)),
            (
                top,
                add(finish(Draft::targets(targets, &root)?, &self.targets)?),
            ),
        ]);
        let snapshot = Draft::snapshot(Snapshot::new(1, self.expires, meta), &root)?;
        let snapshot = add(finish(snapshot, &self.snapshot)?);
        let timestamp = Draft::timestamp(Timestamp::new(1, self.expires, snapshot), &root)?;
        add(finish(timestamp, &self.timestamp)?);
        add(("1.root.json".to_owned(), self.anchor.clone()));
        Ok(())
    }

    fn delegations(&self, channel: &RoleName) -> Result<Delegations> {
        let paths = [format!("{channel}.json"), format!("{channel}-*")];
        let role = DelegatedRole {
            name: channel.clone(),
            keys: held_by(&self.channel)?,
            terminating: true,
            paths: DelegatedPaths::Patterns(paths.iter().map(PathPattern::new).collect()),
        };
        let key = self.channel.public_key().clone();
        Ok(Delegations::new([key], vec![role])?)
    }
}

fn held_by(signer: &Signer) -> Result<RoleKeys> {
    Ok(RoleKeys::new(1, vec![signer.public_key().key_id()])?)
}

/// File name and bytes of a role that one key signs.
fn finish<T: Role>(mut draft: Draft<T>, signer: &Signer) -> Result<(String, Vec<u8>)> {
    draft.sign_with(signer)?;
    let name = draft.file_name();
    Ok((name, draft.finish()?))
}

/// A bundle, and what a channel says of it.
pub(crate) struct MadeBundle {
    pub(crate) release: Release,
    pub(crate) bytes: Vec<u8>,
    /// What is in it.
    pub(crate) image: Vec<u8>,
}

impl MadeBundle {
    /// A small image of this identity, in a bundle.
    pub(crate) fn new(identity: &Identity, channel: &Channel, built: Time) -> Result<Self> {
        let image = image(identity, channel, built)?;
        let payload = PayloadSource {
            name: ROOT.parse()?,
            length: image.len() as u64,
            reader: Box::new(image.as_slice()),
        };
        let (mut spool, mut bytes) = (Cursor::new(Vec::new()), Vec::new());
        let written = firstlayer_bundle::write(
            identity.clone(),
            vec![payload],
            &mut spool,
            &mut bytes,
            &Options::default(),
        )?;
        let release = Release {
            version: identity.version.clone(),
            board: identity.board.clone(),
            models: identity.models.clone(),
            counter: identity.counter,
            built,
            commit: None,
            bundle: BundleTarget {
                target: Release::bundle_name(channel, &identity.version, &identity.board),
                length: written.length,
                sha256: written.sha256,
                manifest: written.digest,
            },
            capabilities: BTreeSet::new(),
            evidence: None,
            floor: None,
            waves: Vec::new(),
            yanked: None,
        };
        Ok(Self {
            release,
            bytes,
            image,
        })
    }
}

/// The tree of a release, with a text where its firmware would be: it is installed and never started.
fn image(identity: &Identity, channel: &Channel, built: Time) -> Result<Vec<u8>> {
    let firmware = tempfile::NamedTempFile::new()?;
    std::fs::write(firmware.path(), "not started by the probe\n")?;
    let mut bytes = Vec::new();
    let image = RootImage {
        firmware: firmware.path().try_into()?,
        identity: identity.clone(),
        built,
        anchor: b"{}",
        settings: Settings {
            channel: channel.as_str(),
            url: "http://127.0.0.1/",
            capacity: 1,
        },
    };
    image.write(&mut bytes).context("the release's image")?;
    Ok(bytes)
}
