//! Looks at the machine and tells what `build` and `release` would find, without changing or fetching anything.

use std::fmt;

use serde::Serialize;

use crate::checkout::Checkout;
use crate::error::Result;

/// What was seen.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether a release can go ahead, if need be by fetching.
    pub ready: bool,
}

/// Looks.
pub fn examine(_checkout: &Checkout) -> Result<Report> {
    Ok(Report { ready: true })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "ready: {}", self.ready)
    }
}
