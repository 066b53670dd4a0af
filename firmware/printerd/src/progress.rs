//! How an install or a check is shown to people: a line on standard error that is written over, if that is a terminal.

use std::io::{IsTerminal, Write, stderr};

use firstlayer_agent::{Progress, ProgressEvent};

/// Shows an install or a check.
pub struct Shown {
    terminal: bool,
    quiet: bool,
    percent: Option<u64>,
}

impl Shown {
    /// Shows it unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self {
            terminal: stderr().is_terminal(),
            quiet,
            percent: None,
        }
    }

    fn advance(&mut self, bytes: u64, total: u64) {
        let percent = bytes.saturating_mul(100).checked_div(total).unwrap_or(100);
        if !self.terminal || self.percent == Some(percent) {
            return;
        }
        self.percent = Some(percent);
        let end = if percent == 100 { "\n" } else { "" };
        say(&format!("\r{percent:3} % of {} MiB{end}", total >> 20));
    }
}

impl Progress for Shown {
    fn event(&mut self, event: &ProgressEvent<'_>) {
        if self.quiet {
            return;
        }
        match event {
            ProgressEvent::Reused { bytes: 0, .. } => {}
            ProgressEvent::Reused { bytes, total } => {
                say(&format!(
                    "{} of {} MiB are in the slot already\n",
                    bytes >> 20,
                    total >> 20
                ));
            }
            ProgressEvent::Written { bytes, total } => self.advance(*bytes, *total),
            ProgressEvent::Waiting { time, error } => {
                say(&format!(
                    "{error}; trying again in {:.1} s\n",
                    time.as_secs_f64()
                ));
            }
            _ => {}
        }
    }
}

/// What cannot be shown is not worth failing for.
fn say(text: &str) {
    let mut stderr = stderr().lock();
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}
