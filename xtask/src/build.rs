//! Cross-compiles `printerd` for boards.

use std::fmt;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::checkout::Checkout;
use crate::error::Result;
use crate::progress::Progress;
use crate::toolchain::Provider;

/// What to build.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Names of boards; none means every board.
    pub boards: Vec<String>,
    /// Where the compiler comes from.
    pub provider: Provider,
}

/// What was built.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// One a board, in the boards' order.
    pub binaries: Vec<Binary>,
}

/// One board's firmware binary.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Binary {
    /// The board's name.
    pub board: String,
    /// `.firstlayer/build/<board>/printerd`, absolute.
    pub path: Utf8PathBuf,
    /// In bytes.
    pub length: u64,
    /// As 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Gets what the machine lacks, builds, and returns the binaries.
pub fn build(_checkout: &Checkout, _request: &Request, _progress: &dyn Progress) -> Result<Report> {
    Ok(Report {
        binaries: Vec::new(),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for binary in &self.binaries {
            writeln!(
                formatter,
                "{}  {} bytes  sha256 {}\n  {}",
                binary.board, binary.length, binary.sha256, binary.path
            )?;
        }
        Ok(())
    }
}
