//! What was measured, as values; rendered for people, or as JSON, from the same ones.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    thread,
};

use serde::Serialize;

use crate::{bench::MEGABYTE, group::Group, rounds::Spread};

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// Where it was measured, as far as it says how much to trust the figures.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processors: usize,
    /// Processes that wanted to run before the first measurement, over the last minute.
    load: Option<f64>,
    /// The folder on whose medium everything lay.
    folder: PathBuf,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    group: Group,
    what: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Measured(Figure),
    NotMeasured { not_measured: String },
}

/// A ratio of ours to the peer's.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    ours: Amount,
    peer: Amount,
    peer_name: String,
    ratio: Spread,
    /// The same in seconds of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    processor_ratio: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
}

/// A figure with its unit; a median where there were rounds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Amount {
    Seconds(f64),
    Bytes(f64),
    BytesPerSecond(f64),
    PerSecond(f64),
}

/// What a ratio has to be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    pub(crate) fn new(
        ours: Amount,
        peer: Amount,
        peer_name: impl Into<String>,
        ratio: Spread,
    ) -> Self {
        Self {
            ours,
            peer,
            peer_name: peer_name.into(),
            ratio,
            processor_ratio: None,
            needed: None,
            held: None,
        }
    }

    pub(crate) fn with_processor(mut self, ratio: Spread) -> Self {
        self.processor_ratio = Some(ratio);
        self
    }

    /// The median has to keep within the bound.
    pub(crate) fn needs(mut self, bound: Bound) -> Self {
        self.held = Some(bound.holds(self.ratio.median));
        self.needed = Some(bound);
        self
    }

    /// Every round has to keep within the bound.
    pub(crate) fn always_needs(mut self, bound: Bound) -> Self {
        let Spread {
            lowest, highest, ..
        } = self.ratio;
        self.held = Some(bound.holds(lowest) && bound.holds(highest));
        self.needed = Some(bound);
        self
    }
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
        }
    }
}

impl Row {
    pub(crate) fn measured(group: Group, what: String, figure: Figure) -> Self {
        let outcome = Outcome::Measured(figure);
        Self {
            group,
            what,
            outcome,
        }
    }

    pub(crate) fn not_measured(group: Group, what: &str, error: &anyhow::Error) -> Self {
        let outcome = Outcome::NotMeasured {
            not_measured: format!("{error:#}"),
        };
        Self {
            group,
            what: what.to_owned(),
            outcome,
        }
    }

    /// Whether there is a figure.
    fn is_measured(&self) -> bool {
        matches!(self.outcome, Outcome::Measured(_))
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.group.to_string(), self.what.clone()];
        match &self.outcome {
            Outcome::Measured(figure) => cells.extend(figure.cells()),
            Outcome::NotMeasured { not_measured } => {
                cells.push(format!("not measured: {not_measured}"));
            }
        }
        cells
    }
}

impl Figure {
    fn cells(&self) -> [String; 6] {
        let shown = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let held = |held| if held { "yes" } else { "NO" }.to_owned();
        [
            self.ours.to_string(),
            format!("{} {}", self.peer, self.peer_name),
            self.ratio.to_string(),
            shown(self.processor_ratio.map(|ratio| ratio.to_string())),
            shown(self.needed.map(|bound| bound.to_string())),
            shown(self.held.map(held)),
        ]
    }
}

impl Machine {
    /// The machine as it is before the first measurement.
    pub(crate) fn now(folder: &Path) -> Self {
        let average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            processors: thread::available_parallelism().map_or(1, usize::from),
            load: average.split(' ').next().and_then(|load| load.parse().ok()),
            folder: folder.to_owned(),
        }
    }
}

impl Report {
    /// Whether everything could be measured.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(Row::is_measured)
    }
}

const HEADINGS: [&str; 8] = [
    "group",
    "what",
    "ours",
    "peer",
    "ratio",
    "processor",
    "needed",
    "held",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.machine)?;
        let mut lines = vec![HEADINGS.map(str::to_owned).to_vec()];
        lines.extend(self.rows.iter().map(Row::cells));
        let widths = widths(&lines);
        for line in &lines {
            let padded = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        let lacking = self.rows.iter().filter(|row| !row.is_measured()).count();
        write!(f, "\n{} rows, not measured: {lacking}", self.rows.len())
    }
}

/// How wide each column is. What a row without a figure says instead may run over all the columns after it.
fn widths(lines: &[Vec<String>]) -> Vec<usize> {
    let whole = lines.iter().filter(|line| line.len() == HEADINGS.len());
    whole.fold(vec![0; HEADINGS.len()], |widths, line| {
        let wider = widths
            .iter()
            .zip(line)
            .map(|(width, cell)| cell.len().max(*width));
        wider.collect()
    })
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cells().join("  "))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} processors, ", self.processors)?;
        if let Some(load) = self.load {
            write!(f, "load {load} at the start, ")?;
        }
        write!(f, "files in {}", self.folder.display())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            lowest,
            highest,
        } = self;
        write!(f, "{median:.3}")?;
        if lowest == highest {
            return Ok(());
        }
        write!(f, " ({lowest:.3}..{highest:.3})")
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Seconds(seconds) if seconds < 0.1 => write!(f, "{:.2} ms", seconds * 1e3),
            Self::Seconds(seconds) => write!(f, "{seconds:.2} s"),
            Self::Bytes(bytes) => write!(f, "{:.2} MiB", bytes / f64::from(1 << 20)),
            Self::BytesPerSecond(rate) => write!(f, "{:.1} MB/s", rate / MEGABYTE as f64),
            Self::PerSecond(rate) => write!(f, "{rate:.0} /s"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "<= {limit}"),
            Self::AtLeast(limit) => write!(f, ">= {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(median: f64) -> Figure {
        let ratio = Spread {
            median,
            lowest: 0.5,
            highest: 2.0,
        };
        Figure::new(Amount::Seconds(1.5), Amount::Seconds(2.0), "zstd", ratio)
    }

    fn report() -> Report {
        let machine = Machine {
            processors: 2,
            load: Some(0.25),
            folder: "/tmp/x".into(),
        };
        let failed = anyhow::anyhow!("no such program").context("dd cannot be started here");
        let rows = vec![
            Row::measured(
                Group::Write,
                "time".to_owned(),
                figure(1.0).needs(Bound::AtMost(1.15)),
            ),
            Row::not_measured(Group::Install, "256 MB", &failed),
        ];
        Report { machine, rows }
    }

    #[test]
    fn a_bound_is_kept_by_the_median_or_by_every_round() {
        let bound = Bound::AtMost(1.15);
        assert_eq!(figure(1.15).needs(bound).held, Some(true));
        assert_eq!(figure(1.16).needs(bound).held, Some(false));
        assert_eq!(figure(1.0).always_needs(bound).held, Some(false));
        assert_eq!(
            figure(1.0).always_needs(Bound::AtLeast(0.5)).held,
            Some(true)
        );
    }

    #[test]
    fn text_and_json_say_the_same() {
        let report = report();
        let text = report.to_string();
        let json = serde_json::to_value(&report).unwrap();
        assert!(
            text.contains("1.50 s  2.00 s zstd  1.000 (0.500..2.000)  -          <= 1.15  yes"),
            "{text}"
        );
        assert_eq!(json["rows"][0]["ours"]["seconds"], 1.5);
        assert_eq!(json["rows"][0]["needed"]["at_most"], 1.15);
        assert_eq!(json["rows"][0]["held"], true);
        let why = "dd cannot be started here: no such program";
        assert_eq!(json["rows"][1]["not_measured"], why);
        assert!(text.contains(&format!("not measured: {why}")));
    }

    #[test]
    fn a_row_without_a_figure_makes_a_report_incomplete() {
        let mut report = report();
        assert!(!report.is_complete());
        report.rows.pop();
        assert!(report.is_complete());
    }
}
