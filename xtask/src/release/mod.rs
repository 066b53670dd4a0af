//! From a commit to a published release: plan, preflight, build, image, bundle, probe, sign, publish, verify.
//!
//! The plan is computed first and executed as it is. Between bundle and signature the image is put to the test, and the
//! release claims what was seen.

mod author;
mod claims;
mod cross;
mod drafts;
mod execute;
mod image;
mod inputs;
mod plan;
mod preflight;
mod probing;
mod report;
mod reproducible;
mod request;
mod signing;
mod verify;
mod watched;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use firstlayer_bundle::Sha256;
use jiff::Timestamp;

pub(crate) use author::Author;
use cross::CrossCompiled;
pub use execute::Firmware;
pub(crate) use image::{RootImage, Settings};
pub use inputs::{Inputs, read_roles};
pub(crate) use inputs::{key_source, read_anchor};
pub use plan::{BoardPlan, Plan, PlanError};
pub use probing::probe;
pub use report::{Made, Outcome, Report};
pub use reproducible::{Compared, Reproducible, check_reproducible, check_reproducible_with};
pub(crate) use request::anchor_file;
pub use request::{Environment, Probing, Request, keys_folder, repository_folder};
pub use signing::{Signing, Why};
pub(crate) use verify::{ROOT, Visitor};

use crate::checkout::Checkout;
use crate::problems::Problems;
use crate::progress::Progress;
use crate::repository::{Disk, Lock, RealDisk};

/// Says what a release would do, and what stands in its way; changes nothing.
///
/// # Errors
/// [`crate::problems::Stopped`] when the inputs do not suffice for a plan.
pub fn dry_run(checkout: &Checkout, request: &Request, now: Timestamp) -> Result<Report> {
    let mut problems = Problems::default();
    let planned = prepare(
        checkout,
        request,
        now,
        &CrossCompiled { checkout },
        &mut problems,
    )?;
    let Some((plan, _)) = planned else {
        return Err(problems
            .into_result()
            .err()
            .context("there is neither a plan nor a reason why not")?
            .into());
    };
    Ok(Report {
        outcome: Outcome::Planned,
        plan,
        problems,
        bundles: Vec::new(),
    })
}

/// Releases, with the cross-compiler and the machine's own disk.
///
/// # Errors
/// [`crate::problems::Stopped`] before anything was done, or what failed while doing it.
pub fn run(
    checkout: &Checkout,
    request: &Request,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Report> {
    run_with(
        checkout,
        request,
        now,
        &CrossCompiled { checkout },
        &RealDisk,
        progress,
    )
}

/// Releases, with the firmware and the disk that a test brings.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    checkout: &Checkout,
    request: &Request,
    now: Timestamp,
    firmware: &dyn Firmware,
    disk: &dyn Disk,
    progress: &dyn Progress,
) -> Result<Report> {
    let mut problems = Problems::default();
    let lock = problems.take(crate::repository::Folder::new(&request.repository).lock());
    let planned = prepare(checkout, request, now, firmware, &mut problems)?;
    problems.into_result()?;
    let (lock, (plan, inputs)) = lock
        .zip(planned)
        .context("there is neither a plan nor a reason why not")?;
    if plan.is_done() {
        verify(&plan, &inputs, progress)?;
        return Ok(Report {
            outcome: Outcome::Unchanged,
            plan,
            problems: Problems::default(),
            bundles: Vec::new(),
        });
    }
    let scratch = scratch(checkout, &plan);
    let tools = execute::Tools {
        firmware,
        disk,
        progress,
        scratch: &scratch,
    };
    carry_out(plan, &inputs, &lock, &tools)
}

/// A folder of the repository's own: its lock keeps other releases out of it.
fn scratch(checkout: &Checkout, plan: &Plan) -> Utf8PathBuf {
    let id = Sha256::of(plan.repository.as_str().as_bytes()).to_string();
    checkout
        .state()
        .join("release")
        .join(id.get(..8).unwrap_or(&id))
}

fn carry_out(
    plan: Plan,
    inputs: &Inputs,
    lock: &Lock,
    tools: &execute::Tools<'_>,
) -> Result<Report> {
    let made = execute::execute(&plan, inputs, lock, tools)?;
    verify(&plan, inputs, tools.progress)?;
    let outcome = if made.is_empty() {
        Outcome::Renewed
    } else {
        Outcome::Released
    };
    let bundles = made.iter().map(Made::from).collect();
    Ok(Report {
        outcome,
        plan,
        problems: Problems::default(),
        bundles,
    })
}

/// Whoever finds a release published, too, looks whether it is whole: an earlier run may not have come to that.
fn verify(plan: &Plan, inputs: &Inputs, progress: &dyn Progress) -> Result<()> {
    verify::as_a_printer(
        &inputs.folder,
        &plan.anchor,
        &plan.channel,
        &plan.version,
        inputs.now,
        progress,
    )
    .with_context(|| {
        let version = &plan.version;
        format!("{version} is published, but a printer would refuse it; release another commit")
    })
}

/// Inputs, plan and preflight; no plan where the inputs are not all there, and then `problems` say why.
fn prepare(
    checkout: &Checkout,
    request: &Request,
    now: Timestamp,
    firmware: &dyn Firmware,
    problems: &mut Problems,
) -> Result<Option<(Plan, Inputs)>> {
    let Some(inputs) = Inputs::gather(checkout, request, now, problems) else {
        return Ok(None);
    };
    let plan = Plan::compute(&inputs, request.anchor(checkout))?;
    preflight::check(checkout, &plan, &inputs, firmware, problems);
    Ok(Some((plan, inputs)))
}
