//! The two builds of the firmware that the story is about, and what runs them here.

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_tests::fixture::BoardUnderTest;
use firstlayer_tests::workshop::checkout;
use xtask::build::{self, Request};
use xtask::checkout::Checkout;
use xtask::progress::Progress;
use xtask::{board, toolchain};

/// `printerd`, cross-compiled.
#[derive(Debug)]
pub(crate) struct Builds {
    /// With job files over HTTPS.
    pub(crate) able: Utf8PathBuf,
    /// With that compiled out, as old firmware was.
    pub(crate) lacking: Utf8PathBuf,
    /// QEMU for the board.
    pub(crate) emulator: Utf8PathBuf,
}

impl Builds {
    /// Builds both, as `cargo xtask build` does.
    pub(crate) fn make(board: BoardUnderTest, progress: &dyn Progress) -> Result<Self> {
        let root = Utf8Path::from_path(checkout()).context("the checkout's path is no text")?;
        let checkout = Checkout::around(root)?;
        let build = |without_https_transfer| -> Result<Utf8PathBuf> {
            let request = Request {
                boards: vec![board.name.to_owned()],
                without_https_transfer,
                ..Request::default()
            };
            let mut binaries = build::build(&checkout, &request, progress)?
                .binaries
                .into_iter();
            Ok(binaries.next().context("the build made no binary")?.path)
        };
        let boards = board::select(&checkout, &[board.name.to_owned()])?;
        let of_board = boards.first().context("the board is gone")?;
        Ok(Self {
            able: build(false)?,
            lacking: build(true)?,
            emulator: toolchain::emulator(&checkout, of_board, progress)?,
        })
    }
}
