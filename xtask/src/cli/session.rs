//! What every verb gets: the checkout, where progress goes, and how its report is printed.

use std::fmt::Display;
use std::io::Write;

use anyhow::Context;
use serde::Serialize;
use xtask::checkout::Checkout;
use xtask::progress::Progress;

use super::terminal;

/// One run of one verb.
pub(crate) struct Session {
    checkout: Checkout,
    json: bool,
    progress: Box<dyn Progress>,
}

impl Session {
    pub(crate) fn new(checkout: Checkout, json: bool) -> Self {
        Self {
            checkout,
            json,
            progress: terminal::progress(),
        }
    }

    pub(crate) fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    pub(crate) fn progress(&self) -> &dyn Progress {
        self.progress.as_ref()
    }

    /// Prints a report on standard output: its `Display` for people, or its `Serialize` as JSON.
    pub(crate) fn print<R: Display + Serialize>(&self, report: &R) -> anyhow::Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(report)?
        } else {
            report.to_string()
        };
        writeln!(std::io::stdout().lock(), "{}", text.trim_end()).context("cannot print the report")
    }
}
