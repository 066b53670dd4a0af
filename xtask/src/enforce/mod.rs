//! Rules with their consequences known beforehand: plan, apply, status, withdraw.
//!
//! A plan says whom the reviewed rules hit and whether each of them finds the way back; what it refuses is not signed.
//! Applying computes the plan again and signs that, or nothing.

mod approval;
mod candidate;
mod census;
mod impact;
mod inputs;
mod pace;
mod page;
mod plan;
mod publish;
mod published;
mod recovery;
mod refusal;
mod report;
mod request;
mod status;
mod timing;
mod trial;

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_policy::RuleName;
use jiff::Timestamp;
use serde_json::Value;

pub use crate::probe::EvidenceProblem;
pub use impact::{Impact, Point, Row, Tally};
pub use inputs::{RULES, read_rules};
pub use pace::Pace;
pub use plan::{Digests, Plan};
pub use recovery::Recovery;
pub use refusal::{Line, Refusal, Shortfall, Who};
pub use report::{Applied, Report};
pub use request::{Budget, NoBudget, Place, Relax, Request, Source, Terms};
pub use status::{InForce, Phase, Standing, status};
pub use trial::{Case, Emulated, Trial, Tried};

use crate::checkout::Checkout;
use crate::progress::Progress;
use crate::repository::{Disk, Folder, Lock, RealDisk, replace_durably};
use approval::Approved;
use inputs::{Ground, Inputs};
use publish::Tools;
use trial::{Cached, Remembered};

/// Where a plan lies that nobody gave another place.
pub fn plan_file(checkout: &Checkout) -> Utf8PathBuf {
    checkout.state().join("enforce/plan.json")
}

/// Where a plan is written to.
#[derive(Debug, Clone)]
pub struct Output {
    /// The plan itself.
    pub plan: Utf8PathBuf,
    /// A page about it.
    pub page: Option<Utf8PathBuf>,
}

/// What the machine brings: a clock, a disk, a way to try old firmware, and somebody who watches.
pub struct Machine<'a> {
    /// The time.
    pub now: Timestamp,
    /// Tries old firmware.
    pub trial: &'a dyn Trial,
    /// The repository's disk.
    pub disk: &'a dyn Disk,
    /// Hears of progress.
    pub progress: &'a dyn Progress,
}

/// Computes a plan, and writes it down whatever it says.
///
/// # Errors
/// [`crate::problems::Stopped`] when its inputs cannot be read, or what could not be done on this machine.
pub fn plan(
    checkout: &Checkout,
    request: &Request,
    output: &Output,
    machine: &Machine<'_>,
) -> Result<Report> {
    let inputs = Inputs::gather(checkout, request, machine.now, machine.progress)?;
    let cached = Cached {
        trial: machine.trial,
        folder: checkout.state().join("enforce/trials"),
    };
    let plan = Plan::compute(&inputs, machine.now, &Remembered::new(&cached))?;
    let bytes = serde_json::to_vec_pretty(&plan).context("the plan cannot be written")?;
    write(&output.plan, &bytes)?;
    if let Some(page) = &output.page {
        write(page, page::render(&plan).as_bytes())?;
    }
    Ok(Report {
        plan,
        written: output.plan.clone(),
        page: output.page.clone(),
    })
}

/// Computes the plan in the file again, and signs and publishes what it comes to if it comes out the same and nothing
/// speaks against it.
///
/// # Errors
/// [`crate::problems::Stopped`] with everything that speaks against it, or what failed while publishing.
pub fn apply(
    checkout: &Checkout,
    request: &Request,
    file: &Utf8Path,
    machine: &Machine<'_>,
) -> Result<Applied> {
    let lock = lock(&request.place)?;
    let bytes = fs::read(file).with_context(|| format!("cannot read the plan {file}"))?;
    let reviewed: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let inputs = Inputs::gather(checkout, request, machine.now, machine.progress)?;
    // Tried afresh: no file says on whose behalf firmware can read what is published.
    let trial = Remembered::new(machine.trial);
    let (plan, approved) = Approved::plan(&reviewed, &inputs, machine.now, &trial)?;
    if let Some(approved) = &approved {
        publish::publish(&inputs.ground, approved, &tools(machine, &lock))?;
    }
    Ok(Applied {
        changed: approved.is_some(),
        repository: request.place.repository.to_string(),
        manifest: plan.manifest,
        note: None,
    })
}

/// Signs and publishes the rules in force without one of them, or with a later date for it, and says why.
///
/// # Errors
/// [`crate::problems::Stopped`] with everything that speaks against it, or what failed while publishing.
pub fn withdraw(
    checkout: &Checkout,
    place: &Place,
    rule: &RuleName,
    why: &str,
    postpone: Option<Timestamp>,
    machine: &Machine<'_>,
) -> Result<Applied> {
    let lock = lock(place)?;
    let ground = Ground::read(checkout, place, machine.now)?;
    let in_force = ground.published.in_force.as_ref();
    let approved = Approved::withdrawal(in_force, rule, why, postpone)?;
    publish::publish(&ground, &approved, &tools(machine, &lock))?;
    Ok(Applied {
        changed: true,
        repository: place.repository.to_string(),
        manifest: approved.manifest().clone(),
        note: Some(format!(
            "Change {rule} in {RULES} as well: the next plan goes by what stands there."
        )),
    })
}

fn lock(place: &Place) -> Result<Lock> {
    let folder = Folder::new(&place.repository);
    anyhow::ensure!(
        folder.is_published(),
        "nothing is published in {}; `cargo xtask release` does that",
        folder.path()
    );
    folder.lock()
}

fn tools<'a>(machine: &'a Machine<'_>, lock: &'a Lock) -> Tools<'a> {
    Tools {
        lock,
        disk: machine.disk,
        progress: machine.progress,
        now: machine.now,
    }
}

fn write(path: &Utf8Path, mut bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    replace_durably(&RealDisk, path, &mut bytes).with_context(|| format!("cannot write {path}"))
}
