//! Carries out a plan, step by step: build, image, bundle, sign, publish. Decides nothing that the plan left open.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::{Options, PayloadSource, Written};
use firstlayer_metadata::{Hashes, TargetFile, TargetPath};
use firstlayer_policy::{BundleTarget, ChannelManifest, Limits, Release};
use firstlayer_signers::{KeyDirectory, LockedKeys, generate_development_keys};

use super::author::Author;
use super::claims::{self, Claim, EvidenceFile};
use super::drafts;
use super::image::{RootImage, Settings};
use super::inputs::read_anchor;
use super::watched::Watched;
use super::{BoardPlan, Environment, Inputs, Plan, Probing, verify};
use crate::probe::{Image, Probed};
use crate::progress::{Event, Progress};
use crate::repository::{
    Content, Disk, Lock, NewFile, Publication, State, lay, stored_name, sweep,
};
use crate::source::Source;

/// Where a board's firmware comes from: the cross-compiler, or in tests a file.
pub trait Firmware {
    /// Whether a build, and a probe if there is to be one, can go ahead on this machine.
    ///
    /// # Errors
    /// What is missing, and what to do about it.
    fn ready(&self, probing: Probing) -> Result<()>;

    /// The path of a board's `printerd`, built for that environment.
    ///
    /// # Errors
    /// When it cannot be built.
    fn build(
        &self,
        board: &BoardPlan,
        environment: Environment,
        progress: &dyn Progress,
    ) -> Result<Utf8PathBuf>;

    /// What an image with it was seen to do.
    ///
    /// # Errors
    /// When it cannot be put to the test on this machine.
    fn probe(&self, image: &Image, progress: &dyn Progress) -> Result<Probed>;
}

/// A bundle that was made, and where it lies.
#[derive(Debug, Clone)]
pub(crate) struct MadeBundle {
    pub(crate) board: BoardPlan,
    pub(crate) path: Utf8PathBuf,
    pub(crate) written: Written,
    /// Bytes of the image in it.
    pub(crate) image: u64,
    /// What it was measured to be able to do.
    pub(crate) claim: Claim,
}

impl MadeBundle {
    fn target_file(&self) -> TargetFile {
        TargetFile {
            length: self.written.length,
            hashes: Hashes::from_sha256(self.written.sha256.as_bytes()),
            custom: None,
        }
    }

    fn stored_name(&self) -> String {
        stored_name(&self.board.bundle, &self.target_file())
    }
}

/// What carrying out a plan needs beside the plan.
pub(crate) struct Tools<'a> {
    pub(crate) firmware: &'a dyn Firmware,
    pub(crate) disk: &'a dyn Disk,
    pub(crate) progress: &'a dyn Progress,
    /// A folder for images and bundles until they are published.
    pub(crate) scratch: &'a Utf8Path,
}

/// Does it all. The new state is visible to clients when this returns, and not before its last step.
///
/// # Errors
/// What failed, on what. Clients then see the old state, and the next run begins by clearing up.
pub(crate) fn execute(
    plan: &Plan,
    inputs: &Inputs,
    lock: &Lock,
    tools: &Tools<'_>,
) -> Result<Vec<MadeBundle>> {
    let anchor = keys_and_anchor(plan, inputs, tools)?;
    let state = match &inputs.state {
        Some(state) => state.clone(),
        None => State::read(&inputs.folder, &anchor)?,
    };
    sweep(
        &inputs.folder,
        lock,
        &state.keep(&inputs.folder, 1)?,
        tools.disk,
    )?;
    let mut bundles = bundles(plan, &anchor, tools)?;
    if plan.probing == Probing::Measure {
        claims::measure(plan, inputs, &mut bundles, tools)?;
    }
    if !bundles.is_empty() {
        check_source(plan, inputs)?;
    }
    let publication = sign(plan, inputs, &state, &anchor, &bundles, tools.progress)?;
    tools.progress.event(Event::Started {
        step: format!("publish into {}", plan.repository),
        total: None,
    });
    let laid = lay(&inputs.folder, lock, &publication, tools.disk)?;
    for made in &bundles {
        let path = inputs.folder.targets().join(made.stored_name());
        verify::stored_bundle(&path, &release(plan, made))?;
    }
    laid.reveal()?;
    tools.progress.event(Event::Finished {
        outcome: format!("{} is published", plan.version),
    });
    Ok(bundles)
}

/// What the plan lacks of both is made under the lock of their folder, which other repositories may share; what another
/// release made there meanwhile is taken as it is.
pub(super) fn keys_and_anchor(plan: &Plan, inputs: &Inputs, tools: &Tools<'_>) -> Result<Vec<u8>> {
    let mut lock = None;
    if !plan.make_keys.is_empty() || plan.make_anchor {
        let folder = lock.insert(KeyDirectory::new(plan.keys.as_std_path()).lock()?);
        make_keys(plan, inputs, folder, tools.progress)?;
    }
    anchor(plan, inputs, lock.as_ref(), tools)
}

fn make_keys(
    plan: &Plan,
    inputs: &Inputs,
    folder: &LockedKeys,
    progress: &dyn Progress,
) -> Result<()> {
    if plan.make_keys.is_empty() {
        return Ok(());
    }
    let total = u64::try_from(plan.make_keys.len()).ok();
    progress.event(Event::Started {
        step: format!("make development keys in {}", plan.keys),
        total,
    });
    let mut done = 0;
    generate_development_keys(&inputs.roles, folder, |_| {
        done += 1;
        progress.event(Event::Advanced { done });
    })?;
    progress.event(Event::Finished {
        outcome: format!("{done} keys, for development only"),
    });
    Ok(())
}

fn anchor(
    plan: &Plan,
    inputs: &Inputs,
    lock: Option<&LockedKeys>,
    tools: &Tools<'_>,
) -> Result<Vec<u8>> {
    if let Some(anchor) = &inputs.anchor {
        return Ok(anchor.clone());
    }
    ensure!(
        plan.make_anchor && lock.is_some(),
        "there is no trust anchor at {}",
        plan.anchor
    );
    if let Some(anchor) = read_anchor(&plan.anchor)? {
        return Ok(anchor);
    }
    let bytes = drafts::first_root(&inputs.roles, &inputs.keys, inputs.now)
        .context("cannot make the trust anchor")?;
    crate::repository::replace_durably(tools.disk, &plan.anchor, &mut bytes.as_slice())
        .with_context(|| format!("cannot write the trust anchor {}", plan.anchor))?;
    Ok(bytes)
}

/// Compiling takes minutes: what is signed must still be the commit, and the tree, that the plan names.
fn check_source(plan: &Plan, inputs: &Inputs) -> Result<()> {
    let now = Source::examine(&inputs.root)?;
    ensure!(
        (&now.commit, &now.changed) == (&plan.source.commit, &plan.source.changed),
        "{} changed while it was built, so nobody knows what was built; nothing was signed, run it again",
        inputs.root
    );
    Ok(())
}

/// Builds, images and bundles each board of the plan. The bytes depend on the plan, the firmware and the anchor alone.
pub(crate) fn bundles(plan: &Plan, anchor: &[u8], tools: &Tools<'_>) -> Result<Vec<MadeBundle>> {
    if tools.scratch.exists() {
        fs::remove_dir_all(tools.scratch)
            .with_context(|| format!("cannot clear {}", tools.scratch))?;
    }
    fs::create_dir_all(tools.scratch).with_context(|| format!("cannot make {}", tools.scratch))?;
    let mut made = Vec::new();
    for board in &plan.boards {
        let Image { root, .. } = image(plan, board, anchor, tools)?;
        made.push(
            bundle(plan, board, &root, tools).with_context(|| format!("cannot bundle {root}"))?,
        );
    }
    Ok(made)
}

/// Builds a board's firmware, and makes the image with it.
///
/// # Errors
/// When it cannot be built or written, or does not fit its slot.
pub(super) fn image(
    plan: &Plan,
    board: &BoardPlan,
    anchor: &[u8],
    tools: &Tools<'_>,
) -> Result<Image> {
    let firmware = tools
        .firmware
        .build(board, plan.environment, tools.progress)?;
    let image = image_of(plan, board, tools);
    write_image(plan, board, &firmware, anchor, &image.root)?;
    Ok(image)
}

/// A board's image, where it lies until it is published.
pub(super) fn image_of(plan: &Plan, board: &BoardPlan, tools: &Tools<'_>) -> Image {
    Image {
        root: tools.scratch.join(format!("{}-root.tar", board.board)),
        identity: plan.identity(board),
        channel: plan.channel.clone(),
    }
}

fn write_image(
    plan: &Plan,
    board: &BoardPlan,
    firmware: &Utf8Path,
    anchor: &[u8],
    path: &Utf8Path,
) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot make {path}"))?;
    let image = RootImage {
        firmware,
        identity: plan.identity(board),
        built: plan.built(),
        anchor,
        settings: Settings {
            channel: plan.channel.as_str(),
            url: &plan.url,
            capacity: board.slot,
        },
    };
    image
        .write(BufWriter::new(file))
        .with_context(|| format!("cannot make the image of {}", board.board))?;
    let length = fs::metadata(path)
        .with_context(|| format!("cannot look at {path}"))?
        .len();
    ensure!(
        length <= board.slot,
        "the image of {} has {length} bytes, and its root slot holds {}; nothing was signed",
        board.board,
        board.slot
    );
    Ok(())
}

fn bundle(
    plan: &Plan,
    board: &BoardPlan,
    image: &Utf8Path,
    tools: &Tools<'_>,
) -> Result<MadeBundle> {
    let length = fs::metadata(image)?.len();
    tools.progress.event(Event::Started {
        step: format!("compress {}", board.bundle),
        total: Some(length),
    });
    let reader = Watched::new(BufReader::new(File::open(image)?), tools.progress);
    let payload = PayloadSource {
        name: verify::ROOT.parse()?,
        length,
        reader: Box::new(reader),
    };
    let path = tools.scratch.join(&board.bundle);
    let mut out = BufWriter::new(File::create(&path)?);
    let mut spool = tempfile::tempfile_in(tools.scratch)?;
    let written = firstlayer_bundle::write(
        plan.identity(board),
        vec![payload],
        &mut spool,
        &mut out,
        &Options::default(),
    )?;
    out.flush()?;
    tools.progress.event(Event::Finished {
        outcome: format!("{length} bytes became {}", written.length),
    });
    Ok(MadeBundle {
        board: board.clone(),
        path,
        written,
        image: length,
        claim: Claim::default(),
    })
}

fn sign(
    plan: &Plan,
    inputs: &Inputs,
    state: &State,
    anchor: &[u8],
    bundles: &[MadeBundle],
    progress: &dyn Progress,
) -> Result<Publication> {
    let mut publication = Publication::default();
    let role = plan.channel.as_str();
    let mut release = None;
    if !bundles.is_empty() {
        let published = state
            .targets(role)
            .map(|role| role.targets.clone())
            .unwrap_or_default();
        release = Some((
            role,
            add_release(plan, inputs, bundles, published, &mut publication)?,
        ));
    }
    let author = Author {
        roles: &inputs.roles,
        keys: &inputs.keys,
        state,
        now: inputs.now,
    };
    let signed = author.sign(&plan.signings, release, progress)?;
    publication.metadata = signed.metadata;
    publication.timestamp = signed.timestamp;
    if !state.is_published() {
        publication.anchor = Some(anchor.to_vec());
        let name = format!("{}.root.json", state.anchor_version());
        publication.metadata.insert(
            0,
            NewFile {
                name,
                content: Content::Bytes(anchor.to_vec()),
            },
        );
    }
    Ok(publication)
}

/// Adds the bundles and the new channel manifest to the publication, and to the targets of the channel's role.
fn add_release(
    plan: &Plan,
    inputs: &Inputs,
    bundles: &[MadeBundle],
    mut targets: BTreeMap<TargetPath, TargetFile>,
    publication: &mut Publication,
) -> Result<BTreeMap<TargetPath, TargetFile>> {
    let mut releases = inputs
        .manifest()
        .map(|manifest| manifest.releases().to_vec())
        .unwrap_or_default();
    for made in bundles {
        releases.push(release(plan, made));
        publication.targets.push(NewFile {
            name: made.stored_name(),
            content: Content::File(made.path.clone()),
        });
        targets.insert(made.board.bundle.parse()?, made.target_file());
        if let Some(evidence) = &made.claim.evidence {
            publication.targets.push(evidence.new_file());
            targets.insert(evidence.name.parse()?, evidence.target_file());
        }
    }
    let manifest = manifest_as_read(plan, releases)?;
    for made in bundles {
        verify::is_offered(&manifest, &release(plan, made))?;
    }
    let manifest = manifest.to_bytes()?;
    let name = ChannelManifest::target_name(&plan.channel);
    let file = TargetFile::of(&manifest);
    publication.targets.push(NewFile {
        name: stored_name(&name, &file),
        content: Content::Bytes(manifest),
    });
    targets.insert(name.parse()?, file);
    Ok(targets)
}

/// The channel's manifest, through the reader that printers have: its limits hold for the writer too.
fn manifest_as_read(plan: &Plan, releases: Vec<Release>) -> Result<ChannelManifest> {
    let bytes = ChannelManifest::new(plan.channel.clone(), releases)?.to_bytes()?;
    ChannelManifest::parse(&bytes, &plan.channel, &Limits::default())
        .with_context(|| format!("printers would refuse the manifest of {}", plan.channel))
}

fn release(plan: &Plan, made: &MadeBundle) -> Release {
    Release {
        version: plan.version.clone(),
        board: made.board.board.clone(),
        models: made.board.models.clone(),
        counter: plan.counter,
        built: plan.built(),
        commit: plan.source.released(),
        bundle: BundleTarget {
            target: made.board.bundle.clone(),
            length: made.written.length,
            sha256: made.written.sha256,
            manifest: made.written.digest,
        },
        capabilities: made.claim.capabilities.clone(),
        evidence: made.claim.evidence.as_ref().map(EvidenceFile::target),
        floor: plan.floor.clone(),
        waves: plan.waves.clone(),
        yanked: None,
    }
}
