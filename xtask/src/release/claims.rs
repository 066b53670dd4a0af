//! What a release claims: what its images were seen to do, with the evidence as a target of its own. Nothing else is
//! claimed, and nothing that the release before had may be lost.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use firstlayer_metadata::TargetFile;
use firstlayer_policy::{Capability, EvidenceTarget, Release};

use super::execute::{MadeBundle, Tools, image_of};
use super::{Inputs, Plan};
use crate::probe::{Evidence, Probed};
use crate::repository::{Content, NewFile, stored_name};

/// A board's claims; none by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim {
    /// What the image was seen to do.
    pub(crate) capabilities: BTreeSet<Capability>,
    /// Where that stands.
    pub(crate) evidence: Option<EvidenceFile>,
}

/// The evidence of a board's bundle.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceFile {
    /// Its target name.
    pub(crate) name: String,
    bytes: Vec<u8>,
}

/// Puts every board's image to the test.
///
/// # Errors
/// When one cannot be, or when it lacks what the release before had.
pub(super) fn measure(
    plan: &Plan,
    inputs: &Inputs,
    bundles: &mut [MadeBundle],
    tools: &Tools<'_>,
) -> Result<()> {
    for made in bundles {
        let image = image_of(plan, &made.board, tools);
        let probed = tools.firmware.probe(&image, tools.progress)?;
        if let Some(before) = before(plan, inputs, made) {
            check_nothing_lost(before, &probed)?;
        }
        made.claim = Claim::of(plan, made, &probed)?;
    }
    Ok(())
}

/// The release for this board that the new one takes the place of.
fn before<'a>(plan: &Plan, inputs: &'a Inputs, made: &MadeBundle) -> Option<&'a Release> {
    let releases = inputs.manifest()?.releases().iter();
    releases
        .filter(|release| release.board == made.board.board && release.yanked.is_none())
        .filter(|release| release.version < plan.version)
        .max_by(|one, other| one.version.cmp(&other.version))
}

fn check_nothing_lost(before: &Release, probed: &Probed) -> Result<()> {
    let claims = probed.claims();
    let lost: Vec<_> = before.capabilities.difference(&claims).collect();
    let seen = lost.iter().map(|capability| {
        let measured = probed.capabilities.iter();
        let mut of_it = measured.filter(|one| one.capability == **capability);
        of_it.next().map_or_else(
            || format!("  {capability}: nothing measures it any more\n"),
            ToString::to_string,
        )
    });
    let seen: String = seen.collect();
    ensure!(
        lost.is_empty(),
        "{} for {} lacks what {} had; nothing was signed. It was seen:\n{}Put it right and release again; `cargo xtask probe --board {}` measures without releasing.",
        probed.version,
        probed.board,
        before.version,
        seen,
        probed.board
    );
    Ok(())
}

impl Claim {
    fn of(plan: &Plan, made: &MadeBundle, probed: &Probed) -> Result<Self> {
        let evidence = Evidence::new(&made.board.bundle, made.written.sha256, probed);
        Ok(Self {
            capabilities: probed.claims(),
            evidence: Some(EvidenceFile {
                name: Release::evidence_name(&plan.channel, &plan.version, &made.board.board),
                bytes: evidence.to_bytes()?,
            }),
        })
    }
}

impl EvidenceFile {
    /// As the channel manifest names it.
    pub(crate) fn target(&self) -> EvidenceTarget {
        EvidenceTarget {
            target: self.name.clone(),
            length: self.bytes.len() as u64,
            sha256: firstlayer_bundle::Sha256::of(&self.bytes),
        }
    }

    /// As the targets metadata lists it.
    pub(crate) fn target_file(&self) -> TargetFile {
        TargetFile::of(&self.bytes)
    }

    /// As it is published.
    pub(crate) fn new_file(&self) -> NewFile {
        NewFile {
            name: stored_name(&self.name, &self.target_file()),
            content: Content::Bytes(self.bytes.clone()),
        }
    }
}
