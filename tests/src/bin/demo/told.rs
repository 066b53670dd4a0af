//! What came of it: for people, and as JSON.

use std::fmt;

use camino::Utf8PathBuf;
use firstlayer_policy::Release;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use xtask::enforce::{Plan, Row, Tally};

/// The whole story.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) deadline: Timestamp,
    pub(crate) releases: Vec<Released>,
    pub(crate) plan: Planned,
    pub(crate) refused: Refused,
    pub(crate) updated: Updated,
    pub(crate) printed: Printed,
    /// How long it took, builds not counted.
    pub(crate) seconds: u64,
}

/// A release, and what it was measured to be able to do.
#[derive(Debug, Serialize)]
pub(crate) struct Released {
    pub(crate) version: String,
    pub(crate) capabilities: Vec<String>,
}

/// Whom the plan found.
#[derive(Debug, Serialize)]
pub(crate) struct Planned {
    pub(crate) as_of: Timestamp,
    pub(crate) minimum: String,
    pub(crate) total: Tally,
    pub(crate) versions: Vec<Row>,
    /// The versions that would be locked out, each of which found the way back under emulation.
    pub(crate) tried: usize,
    pub(crate) page: Utf8PathBuf,
}

/// What the old printer was told.
#[derive(Debug, Serialize)]
pub(crate) struct Refused {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) answer: Value,
    pub(crate) printer_shows: Value,
}

/// Its update.
#[derive(Debug, Serialize)]
pub(crate) struct Updated {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// Its print.
#[derive(Debug, Serialize)]
pub(crate) struct Printed {
    pub(crate) version: String,
    /// As nginx handed it on.
    pub(crate) job: String,
    /// How the file came, by the printer's log.
    pub(crate) scheme: &'static str,
    /// How the job ended, by the printer's report.
    pub(crate) state: Value,
}

impl Released {
    pub(crate) fn of(release: &Release) -> Self {
        Self {
            version: release.version.to_string(),
            capabilities: release
                .capabilities
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

impl Planned {
    pub(crate) fn of(plan: &Plan, page: Utf8PathBuf) -> Self {
        let rules = plan.manifest.rules().iter();
        let minimums = rules.flat_map(|rule| &rule.minimums);
        let minimums: Vec<_> = minimums
            .map(|minimum| minimum.version.to_string())
            .collect();
        Self {
            as_of: plan.as_of,
            minimum: minimums.join(", "),
            total: plan.impact.total,
            versions: plan.impact.versions.clone(),
            tried: plan.recoveries.len(),
            page,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What firmware was measured to be able to do:")?;
        for Released {
            version,
            capabilities,
        } in &self.releases
        {
            writeln!(f, "  {version:30} {}", capabilities.join(" "))?;
        }
        write!(f, "\n{}", self.plan)?;
        writeln!(f, "  the page: {}", self.plan.page)?;
        let day = self.deadline.strftime("%-d %B %Y");
        let (refused, updated, printed) = (&self.refused, &self.updated, &self.printed);
        let answer = |key: &str| refused.answer[key].as_str().unwrap_or_default().to_owned();
        writeln!(
            f,
            "\nAfter {day}, cloud print at nginx for a printer with {}:",
            refused.version
        )?;
        writeln!(f, "  {} {}", refused.status, answer("message"))?;
        writeln!(f, "  because: {}", answer("reason"))?;
        writeln!(f, "  updates: {}", refused.answer["update"]["repository"])?;
        writeln!(
            f,
            "\nIt fetched its update over plain HTTP, and became {} from {}.",
            updated.to, updated.from
        )?;
        writeln!(
            f,
            "Then {} came through, its file came over {}, and it ended {}.",
            printed.job,
            printed.scheme,
            printed.state.as_str().unwrap_or_default()
        )?;
        writeln!(f, "\nTold in {} s, builds not counted.", self.seconds)
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = &self.total;
        writeln!(
            f,
            "The plan of {}, for {} printers, {} of them in use; the minimum is {}:",
            self.as_of.strftime("%-d %B %Y"),
            total.printers,
            total.in_use,
            self.minimum
        )?;
        for (what, count) in [
            ("lack it now", total.lost_now),
            ("will have updated by the deadline", total.rescued),
            ("will be refused on the deadline", total.lost_then),
            ("of these are in use", total.lost_in_use),
            ("have no way out", total.stranded),
        ] {
            writeln!(f, "  {count:>7} {what}")?;
        }
        for Row { name, tally } in &self.versions {
            writeln!(
                f,
                "  {:>7} of those that lack it run {name}",
                tally.lost_now
            )?;
        }
        writeln!(
            f,
            "  {} ways back were tried with the old firmware itself, over plain HTTP",
            self.tried
        )
    }
}
