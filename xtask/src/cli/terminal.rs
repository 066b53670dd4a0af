//! What people see on standard error: progress, and errors. Bars and colour are for terminals only.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use xtask::progress::{Event, Progress};

/// Bars on a terminal, plain lines elsewhere.
pub(crate) fn progress() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() {
        Box::new(Bars {
            bar: Mutex::new(ProgressBar::hidden()),
        })
    } else {
        Box::new(Lines)
    }
}

/// Tells an error with all its causes, one a line.
pub(crate) fn print_error(error: &anyhow::Error) {
    let label = if colour() {
        "\u{1b}[1;31merror:\u{1b}[0m"
    } else {
        "error:"
    };
    line(&format!("{label} {error}"));
    for cause in error.chain().skip(1) {
        line(&format!("  because: {cause}"));
    }
}

fn colour() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Standard error may be closed; then there is nobody left to tell.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

struct Lines;

impl Progress for Lines {
    fn event(&self, event: Event) {
        match event {
            Event::Started { step, .. } => line(&format!("{step} …")),
            Event::Note(text) => line(&text),
            Event::Finished { outcome } => line(&format!("  {outcome}")),
            _ => {}
        }
    }
}

struct Bars {
    bar: Mutex<ProgressBar>,
}

impl Progress for Bars {
    fn event(&self, event: Event) {
        let Ok(mut bar) = self.bar.lock() else { return };
        match event {
            Event::Started { step, total } => *bar = started(step, total),
            Event::Advanced { done } => bar.set_position(done),
            Event::Note(text) => bar.suspend(|| line(&text)),
            Event::Finished { outcome } => {
                bar.finish_and_clear();
                line(&format!("{} {outcome}", bar.message()));
            }
            _ => {}
        }
    }
}

fn started(step: String, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{spinner} {msg} {wide_bar} {percent}% {elapsed}",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.with_message(step)
}
