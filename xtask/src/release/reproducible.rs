//! Proves that a commit gives the same bundles in another folder: two checkouts, two builds, one comparison. One is
//! always fresh; the other is this checkout, as releases are made of it, unless it has uncommitted changes.
//!
//! A bundle's inputs are the commit, the version, the counter, the trust anchor and the toolchain; the plan names them,
//! and both builds get the same plan. Uncommitted changes are no input: this is about the commit.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::Sha256;
use firstlayer_policy::Commit;
use jiff::Timestamp;
use serde::Serialize;

use super::execute::{MadeBundle, Tools, bundles};
use super::{CrossCompiled, Firmware, Probing, Request};
use crate::checkout::Checkout;
use crate::problems::Problems;
use crate::progress::{Event, Progress};
use crate::repository::RealDisk;
use crate::toolchain::process::without_secrets;

/// What the two builds gave.
#[derive(Debug, Clone, Serialize)]
pub struct Reproducible {
    /// The commit that was built twice.
    pub commit: Commit,
    /// One a board.
    pub bundles: Vec<Compared>,
}

/// Two bundles of one board.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The bundle's target name.
    pub bundle: String,
    /// Hashes of the two.
    pub sha256: [Sha256; 2],
    /// The first entry of the image that differs, where the bundles do.
    pub differs: Option<String>,
}

impl Reproducible {
    /// Whether every bundle came out the same.
    pub fn holds(&self) -> bool {
        self.bundles
            .iter()
            .all(|compared| compared.differs.is_none())
    }
}

/// Builds the commit twice, in two folders, and compares.
///
/// # Errors
/// [`crate::problems::Stopped`] without a plan, or what failed in cloning or building. A difference is no error here.
pub fn check_reproducible(
    checkout: &Checkout,
    request: &Request,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Reproducible> {
    check_reproducible_with(
        checkout,
        request,
        now,
        |copy| Box::new(CrossCompiled { checkout: copy }),
        progress,
    )
}

/// The same with firmware that a test brings; `firmware` is asked once for each of the two checkouts.
///
/// # Errors
/// As [`check_reproducible`].
pub fn check_reproducible_with(
    checkout: &Checkout,
    request: &Request,
    now: Timestamp,
    firmware: impl for<'a> Fn(&'a Checkout) -> Box<dyn Firmware + 'a>,
    progress: &dyn Progress,
) -> Result<Reproducible> {
    // Bundles are compared, and not what they can do.
    let request = Request {
        probing: Probing::SkipAndClaimNothing,
        ..request.clone()
    };
    let mut problems = Problems::default();
    let planned = super::prepare(
        checkout,
        &request,
        now,
        firmware(checkout).as_ref(),
        &mut problems,
    )?;
    let (mut plan, inputs) = match planned {
        Some(planned) => planned,
        None => {
            return Err(problems
                .into_result()
                .err()
                .context("there is no plan")?
                .into());
        }
    };
    if plan.source.changed.is_some() {
        progress.event(Event::Note(
            "the tree has uncommitted changes: the commit is built in two fresh checkouts"
                .to_owned(),
        ));
    }
    plan.boards = super::plan::every_board(&inputs, &plan.version);
    let anchor = inputs.anchor.clone().unwrap_or_else(|| b"{}\n".to_vec());
    let build = |checkout: &Checkout, scratch: &Utf8Path| {
        let commit = &plan.source.commit;
        progress.event(Event::Note(format!(
            "build {commit} in {}",
            checkout.root()
        )));
        let firmware = firmware(checkout);
        let tools = Tools {
            firmware: firmware.as_ref(),
            disk: &RealDisk,
            progress,
            scratch,
        };
        bundles(&plan, &anchor, &tools)
    };
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let mut made = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        let folder = Utf8Path::from_path(folder.path())
            .context("the temporary folder's name is no UTF-8")?;
        let scratch = folder.join("bundles");
        made.push(if index == 0 && plan.source.changed.is_none() {
            build(checkout, &scratch)?
        } else {
            build(&clone(folder, checkout, &plan.source.commit)?, &scratch)?
        });
    }
    compare(plan.source.commit, &made)
}

/// A checkout of the commit in `folder`, with a target folder of its own.
fn clone(folder: &Utf8Path, checkout: &Checkout, commit: &Commit) -> Result<Checkout> {
    let root = folder.join("source");
    git(&[
        "clone",
        "--quiet",
        "--shared",
        "--no-checkout",
        checkout.root().as_str(),
        root.as_str(),
    ])?;
    git(&[
        "-C",
        root.as_str(),
        "checkout",
        "--quiet",
        "--detach",
        commit.as_str(),
    ])?;
    let copy = Checkout::around(&root)?;
    share_toolchain(checkout, &copy)?;
    Ok(copy)
}

/// The toolchain is an input, and large: both builds use the one that is there.
fn share_toolchain(checkout: &Checkout, copy: &Checkout) -> Result<()> {
    let shared = checkout.state().join("toolchain");
    fs::create_dir_all(&shared).with_context(|| format!("cannot make {shared}"))?;
    fs::create_dir_all(copy.state()).with_context(|| format!("cannot make {}", copy.state()))?;
    symlink(&shared, copy.state().join("toolchain"))
        .with_context(|| format!("cannot link to {shared}"))
}

fn git(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    let output = without_secrets(command.args(arguments))
        .output()
        .context("cannot run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`git {}` failed: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(())
}

fn compare(commit: Commit, made: &[Vec<MadeBundle>]) -> Result<Reproducible> {
    let [first, second] = made else {
        anyhow::bail!("there are not two builds to compare")
    };
    let mut bundles = Vec::new();
    for (one, other) in first.iter().zip(second) {
        let differs = match one.written == other.written {
            true => None,
            false => Some(first_difference(&image_of(one), &image_of(other))?),
        };
        let sha256 = [one.written.sha256, other.written.sha256];
        bundles.push(Compared {
            bundle: one.board.bundle.clone(),
            sha256,
            differs,
        });
    }
    Ok(Reproducible { commit, bundles })
}

fn image_of(made: &MadeBundle) -> Utf8PathBuf {
    made.path
        .with_file_name(format!("{}-root.tar", made.board.board))
}

/// Names the first entry of two root images whose header or contents differ.
fn first_difference(one: &Utf8Path, other: &Utf8Path) -> Result<String> {
    let open =
        |path: &Utf8Path| -> Result<_> { Ok(tar::Archive::new(BufReader::new(File::open(path)?))) };
    let (mut one, mut other) = (open(one)?, open(other)?);
    let mut others = other.entries()?;
    for entry in one.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let Some(counterpart) = others.next() else {
            return Ok(format!("{path}, which only the first image has"));
        };
        let mut counterpart = counterpart?;
        if entry.header().as_bytes() != counterpart.header().as_bytes() {
            return Ok(format!("the header of {path}"));
        }
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        entry.read_to_end(&mut bytes)?;
        counterpart.read_to_end(&mut expected)?;
        if let Some(offset) = bytes
            .iter()
            .zip(&expected)
            .position(|(byte, other)| byte != other)
        {
            return Ok(format!("{path}, from byte {offset}"));
        }
    }
    Ok("the compressed form of equal images".to_owned())
}

impl fmt::Display for Reproducible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() {
            "is reproducible"
        } else {
            "is NOT reproducible"
        };
        writeln!(
            f,
            "commit {} {verdict}: built twice, in two folders",
            self.commit
        )?;
        for compared in &self.bundles {
            let [one, other] = &compared.sha256;
            match &compared.differs {
                None => writeln!(f, "  {}  sha256 {one}, both times", compared.bundle)?,
                Some(place) => {
                    writeln!(
                        f,
                        "  {}  sha256 {one} and {other}; first difference: {place}",
                        compared.bundle
                    )?;
                }
            }
        }
        Ok(())
    }
}
