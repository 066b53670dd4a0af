//! Measures what the checkout's images can do, without releasing anything: the same images and the same experiments as a
//! release's.

use anyhow::{Context, Result};
use firstlayer_bundle::Board;
use jiff::Timestamp;

use super::cross::CrossCompiled;
use super::execute::{Tools, image, keys_and_anchor};
use super::plan::every_board;
use super::{Inputs, Plan, Request, scratch};
use crate::board;
use crate::checkout::Checkout;
use crate::probe::{Report, measure};
use crate::problems::Problems;
use crate::progress::Progress;
use crate::repository::RealDisk;

/// Builds the boards that are named, or all, and puts their images to the test.
///
/// # Errors
/// [`crate::problems::Stopped`] when the inputs do not suffice for an image, or what failed.
pub fn probe(
    checkout: &Checkout,
    request: &Request,
    boards: &[String],
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Report> {
    let mut problems = Problems::default();
    let firmware = CrossCompiled { checkout };
    let inputs = Inputs::gather(checkout, request, now, &mut problems);
    let wanted = problems.take(board::select(checkout, boards).map_err(Into::into));
    problems.take(firmware.ready_to_probe());
    problems.into_result()?;
    let (inputs, wanted) = inputs
        .zip(wanted)
        .context("there are neither inputs nor a reason why not")?;
    let plan = Plan::compute(&inputs, request.anchor(checkout))?;
    let scratch = scratch(checkout, &plan).join("probe");
    let tools = Tools {
        firmware: &firmware,
        disk: &RealDisk,
        progress,
        scratch: &scratch,
    };
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make {scratch}"))?;
    let anchor = keys_and_anchor(&plan, &inputs, &tools)?;
    let is_wanted = |name: &Board| wanted.iter().any(|board| board.name == *name);
    let mut report = Report { boards: Vec::new() };
    for board in every_board(&inputs, &plan.version) {
        if is_wanted(&board.board) {
            let image = image(&plan, &board, &anchor, &tools)?;
            let emulator = firmware.emulator(&board.board, progress)?;
            let probed = measure(&image, &emulator, &firmware.sandbox()?, progress)?;
            report.boards.push(probed);
        }
    }
    Ok(report)
}
