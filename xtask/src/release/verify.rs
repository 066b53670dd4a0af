//! Fetches the published result back as a printer would: from the trust anchor alone, every signature and every byte.

use std::fs::File;
use std::io::{self, BufReader, Read};

use anyhow::{Context, Result, anyhow, ensure};
use camino::Utf8Path;
use firstlayer_bundle::{Counter, Hasher, Limits as BundleLimits, Reader};
use firstlayer_metadata::{Client, Limits, Target, TargetVerifier};
use firstlayer_policy::{Channel, ChannelManifest, Choice, Printer, Release, Wishes, choose};
use jiff::Timestamp;
use semver::Version;

use super::watched::Watched;
use crate::probe;
use crate::progress::{Event, Progress};
use crate::repository::{Folder, FolderRemote, NothingKept};

/// The one payload that printers install.
pub(crate) const ROOT: &str = "root";

/// A printer that has the repository's folder at hand and knows nothing but its anchor.
pub(crate) struct Visitor<'a> {
    folder: &'a Folder,
    client: Client<FolderRemote, NothingKept>,
}

impl<'a> Visitor<'a> {
    /// Refreshes the metadata.
    ///
    /// # Errors
    /// Whatever a printer would refuse.
    pub(crate) fn enter(folder: &'a Folder, anchor: &[u8], now: Timestamp) -> Result<Self> {
        let mut client = Client::new(
            FolderRemote(folder.clone()),
            NothingKept,
            anchor,
            Limits::default(),
        )?;
        client.refresh(now)?;
        Ok(Self { folder, client })
    }

    /// A channel's manifest, if there is one; its role must be the one that signed it.
    ///
    /// # Errors
    /// Whatever a printer would refuse.
    pub(crate) fn channel(&mut self, channel: &Channel) -> Result<Option<ChannelManifest>> {
        let name = ChannelManifest::target_name(channel);
        let limits = firstlayer_policy::Limits::default();
        let document = self.document(&name, channel.as_str(), limits.bytes as u64)?;
        Ok(document
            .map(|bytes| ChannelManifest::parse(&bytes, channel, &limits))
            .transpose()?)
    }

    /// A small target, if there is one; this role must be the one that signed it.
    ///
    /// # Errors
    /// Whatever a client would refuse, or that it is longer than `limit`.
    pub(crate) fn document(
        &mut self,
        name: &str,
        role: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>> {
        let Some(target) = self.client.find_target(&name.parse()?)? else {
            return Ok(None);
        };
        check_signer(&target, role)?;
        ensure!(
            target.length() <= limit,
            "{name} is longer than its readers accept"
        );
        let mut bytes = Vec::new();
        let mut checked = Checked::open(self.folder, &target)?;
        checked.read_to_end(&mut bytes)?;
        checked.finish()?;
        Ok(Some(bytes))
    }

    /// Reads a release's bundle to its end, with every hash of TUF, of the manifest and of each frame.
    ///
    /// # Errors
    /// Whatever a printer would refuse.
    pub(crate) fn bundle(
        &mut self,
        channel: &Channel,
        release: &Release,
        progress: &dyn Progress,
    ) -> Result<()> {
        let name = &release.bundle.target;
        progress.event(Event::Started {
            step: format!("verify {name}"),
            total: Some(release.bundle.length),
        });
        let target = self
            .client
            .find_target(&name.parse()?)?
            .with_context(|| format!("{name} is not signed"))?;
        check_signer(&target, channel.as_str())?;
        ensure!(
            target.length() == release.bundle.length
                && target.hashes().sha256() == Some(release.bundle.sha256.to_string().as_str()),
            "the channel manifest and the targets metadata disagree about {name}"
        );
        let mut checked = Checked::open(self.folder, &target)?;
        let source = BufReader::with_capacity(1 << 18, Watched::new(&mut checked, progress));
        read_bundle(source, release).with_context(|| format!("{name} is not acceptable"))?;
        checked.finish()?;
        progress.event(Event::Finished {
            outcome: "as signed, to the last byte".to_owned(),
        });
        Ok(())
    }
}

impl Visitor<'_> {
    /// Reads a release's evidence, and compares its claims with that.
    ///
    /// # Errors
    /// Whatever a reader of evidence would refuse.
    pub(crate) fn evidence(&mut self, channel: &Channel, release: &Release) -> Result<()> {
        let Some(named) = &release.evidence else {
            return Ok(());
        };
        let name = &named.target;
        let file = self.document(name, channel.as_str(), probe::LONGEST_EVIDENCE)?;
        for capability in &release.capabilities {
            probe::check_evidence(release, capability, file.as_deref()).map_err(|problem| {
                anyhow!(
                    "{} claims {capability}, but {problem}",
                    release.bundle.target
                )
            })?;
        }
        Ok(())
    }
}

/// A printer on a channel accepts what that channel's role signed, and nothing else; nor is a rule anybody else's.
fn check_signer(target: &Target, wanted: &str) -> Result<()> {
    let (path, role) = (target.path(), target.role());
    ensure!(
        role.as_str() == wanted,
        "{path} is signed by the role {role}, and must be by {wanted}"
    );
    Ok(())
}

fn read_bundle(source: impl Read, release: &Release) -> Result<()> {
    let reader = Reader::new(source, &release.bundle.manifest, &BundleLimits::default())?;
    let identity = reader.manifest().identity();
    ensure!(
        (
            &identity.board,
            &identity.models,
            &identity.version,
            identity.counter
        ) == (
            &release.board,
            &release.models,
            &release.version,
            release.counter
        ),
        "the bundle says that it is something else than the channel manifest does"
    );
    let payloads = reader.manifest().payloads();
    ensure!(
        matches!(payloads, [root] if root.name.as_str() == ROOT),
        "the bundle holds something else than the one payload `{ROOT}`"
    );
    reader.read(|_, _| Ok(()))?;
    Ok(())
}

/// Every printer that a release is for, at the oldest version that may jump to it, must be offered it.
///
/// # Errors
/// Names the board and model that would be offered something else, or nothing.
pub(crate) fn is_offered(manifest: &ChannelManifest, release: &Release) -> Result<()> {
    let oldest = match &release.floor {
        Some(floor) => floor.clone(),
        None => Version::parse("0.0.0-0")?,
    };
    for model in &release.models {
        let printer = Printer {
            board: release.board.clone(),
            model: model.clone(),
            version: oldest.clone(),
            counter: Counter::default(),
            refused: Vec::new(),
            wishes: Wishes::default(),
            serial: None,
            now: release.rolled_out_at(),
        };
        ensure!(
            choose(manifest, &printer).choice == Choice::Install(release),
            "a printer {model} with {} that runs {oldest} would not be offered {}; is its floor right?",
            release.board,
            release.version
        );
    }
    Ok(())
}

/// Reads a bundle where it lies to its end, before any client can see it: what the disk has must be what was made.
///
/// # Errors
/// Whatever a printer would refuse.
pub(crate) fn stored_bundle(path: &Utf8Path, release: &Release) -> Result<()> {
    let unacceptable = || format!("{path} is not what was made; no client has seen it");
    let file = File::open(path).with_context(|| format!("cannot open {path}"))?;
    let mut hashed = Hashed {
        file,
        hasher: Hasher::new(),
    };
    read_bundle(BufReader::with_capacity(1 << 18, &mut hashed), release)
        .with_context(unacceptable)?;
    let found = hashed.hasher.finish();
    ensure!(found == release.bundle.sha256, unacceptable());
    Ok(())
}

/// A file whose bytes are hashed as they are read.
struct Hashed {
    file: File,
    hasher: Hasher,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// A target's file, every byte of which goes through the metadata's own check.
struct Checked<'a> {
    file: File,
    path: String,
    verifier: TargetVerifier<'a>,
}

impl<'a> Checked<'a> {
    fn open(folder: &Folder, target: &'a Target) -> Result<Self> {
        let path = folder.targets().join(target.consistent_name());
        let file =
            File::open(&path).with_context(|| format!("cannot open {path}, which is signed"))?;
        Ok(Self {
            file,
            path: path.into_string(),
            verifier: target.verify()?,
        })
    }

    /// There must be nothing left to read, and what was read must be what was signed.
    fn finish(mut self) -> Result<()> {
        io::copy(&mut self, &mut io::sink())
            .with_context(|| format!("cannot read {} to its end", self.path))?;
        self.verifier.finish()?;
        Ok(())
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.verifier.update(read).map_err(io::Error::other)?;
        Ok(count)
    }
}

/// Verifies what is published of a release: every role, the channel's manifest, and the bundles of `version`.
///
/// # Errors
/// Whatever a printer would refuse.
pub(crate) fn as_a_printer(
    folder: &Folder,
    anchor: &Utf8Path,
    channel: &Channel,
    version: &Version,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<()> {
    let anchor = std::fs::read(anchor).with_context(|| format!("cannot read {anchor}"))?;
    let mut visitor = Visitor::enter(folder, &anchor, now)?;
    let manifest = visitor.channel(channel)?;
    let releases = manifest
        .as_ref()
        .map(|manifest| manifest.releases())
        .unwrap_or_default();
    let mut found = releases
        .iter()
        .filter(|release| release.version == *version)
        .peekable();
    ensure!(
        found.peek().is_some(),
        "the channel {channel} does not hold the release"
    );
    found.try_for_each(|release| {
        visitor.bundle(channel, release, progress)?;
        visitor.evidence(channel, release)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use firstlayer_bundle::{Identity, Options, PayloadSource};
    use firstlayer_policy::BundleTarget;

    use super::*;

    /// A bundle with these payloads, and the release that names it.
    fn bundle(payloads: &[&str]) -> (Vec<u8>, Release) {
        let identity = Identity {
            board: "virt-armv7".parse().unwrap(),
            models: vec!["one".parse().unwrap()],
            version: Version::new(1, 0, 0),
            counter: Counter::default(),
        };
        let source = |name: &&str| PayloadSource {
            name: name.parse().unwrap(),
            length: 5,
            reader: Box::new(&b"bytes"[..]),
        };
        let channel = "stable".parse().unwrap();
        let (mut spool, mut out) = (tempfile::tempfile().unwrap(), Vec::new());
        let written = firstlayer_bundle::write(
            identity.clone(),
            payloads.iter().map(source).collect(),
            &mut spool,
            &mut out,
            &Options::default(),
        )
        .unwrap();
        let release = Release {
            counter: identity.counter,
            built: Timestamp::UNIX_EPOCH,
            commit: None,
            bundle: BundleTarget {
                target: Release::bundle_name(&channel, &identity.version, &identity.board),
                length: written.length,
                sha256: written.sha256,
                manifest: written.digest,
            },
            capabilities: BTreeSet::new(),
            evidence: None,
            floor: None,
            waves: Vec::new(),
            yanked: None,
            version: identity.version,
            board: identity.board,
            models: identity.models,
        };
        (out, release)
    }

    #[test]
    fn a_bundle_with_another_payload_than_root_is_refused_as_printers_do() {
        let read = |payloads: &[&str]| {
            let (bytes, release) = bundle(payloads);
            read_bundle(bytes.as_slice(), &release).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(read(&["root"]), Ok(()));
        for payloads in [&["boot"][..], &["root", "boot"]] {
            let error = read(payloads).unwrap_err();
            assert!(error.contains("one payload `root`"), "{error}");
        }
    }

    #[test]
    fn a_release_that_its_printers_would_not_be_offered_is_noticed() {
        let offered = |release: &Release, others: &[Release]| {
            let releases = [std::slice::from_ref(release), others].concat();
            let manifest = ChannelManifest::new("stable".parse().unwrap(), releases).unwrap();
            is_offered(&manifest, release).map_err(|error| format!("{error:#}"))
        };
        let (_, release) = bundle(&["root"]);
        let mut unreachable = release.clone();
        unreachable.floor = Some(release.version.clone());
        let mut newer = release.clone();
        newer.version = Version::new(2, 0, 0);
        newer.bundle.target = release.bundle.target.replace("1.0.0", "2.0.0");
        assert_eq!(offered(&release, &[]), Ok(()));
        for (release, others) in [(&unreachable, &[][..]), (&release, &[newer][..])] {
            let error = offered(release, others).unwrap_err();
            assert!(error.contains("would not be offered 1.0.0"), "{error}");
        }
    }
}
