//! The firmware as `cargo xtask build` makes it, and as QEMU runs it.

use anyhow::{Context, Result, ensure};
use camino::Utf8PathBuf;
use firstlayer_bundle::Board;

use super::{BoardPlan, Environment, Firmware, Probing};
use crate::checkout::Checkout;
use crate::probe::{Emulator, Image, Probed, Sandbox, measure_once};
use crate::progress::Progress;
use crate::toolchain::emulator;
use crate::{board, build, doctor};

/// Cross-compiled, and emulated.
pub(super) struct CrossCompiled<'a> {
    pub(super) checkout: &'a Checkout,
}

impl Firmware for CrossCompiled<'_> {
    fn ready(&self, probing: Probing) -> Result<()> {
        let report = doctor::examine(self.checkout)?;
        ensure!(
            report.ready,
            "the machine lacks something that a build needs; `cargo xtask doctor` says what"
        );
        match probing {
            Probing::Measure => self.ready_to_probe(),
            Probing::SkipAndClaimNothing => Ok(()),
        }
    }

    fn build(
        &self,
        board: &BoardPlan,
        environment: Environment,
        progress: &dyn Progress,
    ) -> Result<Utf8PathBuf> {
        // Every board at once: linking one takes a single core for minutes, and the next call finds it done.
        let request = build::Request {
            environment,
            ..build::Request::default()
        };
        let report = build::build(self.checkout, &request, progress)?;
        let mut binaries = report.binaries.into_iter();
        let binary = binaries
            .find(|binary| binary.board.name == board.board)
            .with_context(|| format!("the build made no binary for {}", board.board))?;
        Ok(binary.path)
    }

    fn probe(&self, image: &Image, progress: &dyn Progress) -> Result<Probed> {
        let emulator = self.emulator(&image.identity.board, progress)?;
        let kept = self.checkout.state().join("probe");
        measure_once(image, &emulator, &self.sandbox()?, &kept, progress)
    }
}

impl CrossCompiled<'_> {
    /// Whether this machine can put an image to the test.
    ///
    /// # Errors
    /// What it lacks, and what to do about it.
    pub(super) fn ready_to_probe(&self) -> Result<()> {
        Ok(self.sandbox()?.ready()?)
    }

    pub(super) fn sandbox(&self) -> Result<Sandbox> {
        Sandbox::of_this_program()
    }

    pub(super) fn emulator(&self, name: &Board, progress: &dyn Progress) -> Result<Emulator> {
        let boards = board::select(self.checkout, &[name.to_string()])?;
        let board = boards.first().context("the board is gone")?;
        Ok(Emulator::at(emulator(self.checkout, board, progress)?))
    }
}
