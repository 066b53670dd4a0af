//! What the verbs did, for people and for machines from the same value.

use std::fmt;

use camino::Utf8PathBuf;
use firstlayer_policy::{EnforcedRule, EnforcementManifest};
use serde::Serialize;

use super::impact::{Row, Tally};
use super::pace::Pace;
use super::plan::Plan;
use super::recovery::Recovery;
use super::trial::Tried;

/// The report of `cargo xtask enforce plan`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Where it was written.
    pub written: Utf8PathBuf,
    /// Where the page was written, if one was asked for.
    pub page: Option<Utf8PathBuf>,
}

/// The report of `cargo xtask enforce apply` and `withdraw`.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// Whether anything was signed.
    pub changed: bool,
    /// The folder.
    pub repository: String,
    /// What is in force now.
    pub manifest: EnforcementManifest,
    /// What people have to do besides.
    pub note: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        writeln!(f, "\nwritten to {}", self.written)?;
        if let Some(page) = &self.page {
            writeln!(f, "page: {page}")?;
        }
        match self.plan.refusals.len() {
            0 if !self.plan.is_new => {
                writeln!(f, "This is in force already; there is nothing to apply.")
            }
            0 => writeln!(
                f,
                "It may be applied: `cargo xtask enforce apply` with the same options."
            ),
            count => {
                writeln!(f, "It is refused for {count} reasons:")?;
                let mut refusals = self.plan.refusals.iter();
                refusals.try_for_each(|refusal| writeln!(f, "  - {refusal}"))
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "revision {} of the rules, as of {}",
            self.manifest.revision(),
            self.as_of
        )?;
        for rule in self.manifest.rules() {
            write_rule(f, rule)?;
        }
        let impact = &self.impact;
        writeln!(f)?;
        write_head(f)?;
        write_row(f, "all", &impact.total)?;
        for (title, rows) in [
            ("by rule", &impact.rules),
            ("by model", &impact.models),
            ("by channel", &impact.channels),
            ("by region", &impact.regions),
            ("by when last seen", &impact.last_seen),
            ("by version", &impact.versions),
        ] {
            write_rows(f, title, rows)?;
        }
        self.paces.iter().try_for_each(|pace| write!(f, "{pace}"))?;
        if !self.recoveries.is_empty() {
            writeln!(f, "ways back of what would be locked out")?;
        }
        self.recoveries
            .iter()
            .try_for_each(|recovery| write!(f, "{recovery}"))
    }
}

fn write_rule(f: &mut fmt::Formatter<'_>, enforced: &EnforcedRule) -> fmt::Result {
    let rule = &enforced.rule;
    writeln!(
        f,
        "{}: {} is withheld without {}, warned of from {} on, enforced from {} on",
        rule.name, rule.withholds, rule.capability, rule.warn_from, rule.enforce_from
    )?;
    enforced.minimums.iter().try_for_each(|minimum| {
        let (model, channel, version) = (&minimum.model, &minimum.channel, &minimum.version);
        writeln!(f, "  {model} on {channel}: {version} or later")
    })
}

fn write_head(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "{:34} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "printers",
        "all",
        "in use",
        "lost now",
        "rescued",
        "lost then",
        "stranded",
        "spared",
        "lost later"
    )
}

fn write_rows(f: &mut fmt::Formatter<'_>, title: &str, rows: &[Row]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}")?;
    rows.iter()
        .try_for_each(|row| write_row(f, &format!("  {}", row.name), &row.tally))
}

fn write_row(f: &mut fmt::Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    writeln!(
        f,
        "{name:34} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        tally.printers,
        tally.in_use,
        tally.lost_now,
        tally.rescued,
        tally.lost_then,
        tally.stranded,
        tally.spared,
        tally.lost_later
    )
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.weekly_per_million / 100;
        writeln!(
            f,
            "{} on {}: {} of {} in use have {} or later, offered since {}; of those behind, {}.{:02}% update a week",
            self.model,
            self.channel,
            self.updated,
            self.in_use,
            self.minimum,
            self.offered,
            share / 100,
            share % 100
        )
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way: Vec<String> = self.way.iter().map(ToString::to_string).collect();
        let way = match way.is_empty() {
            true => "NO WAY".to_owned(),
            false => way.join(" → "),
        };
        let tried = match &self.tried {
            Tried::Reads { .. } => "its own firmware reads today's repository".to_owned(),
            Tried::Fails { why } => format!("its own firmware FAILS: {why}"),
            Tried::Untried { why } => format!("NOT TRIED: {why}"),
        };
        writeln!(f, "  {}, {}: {way}; {tried}", self.who, self.board)
    }
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.manifest.revision();
        match self.changed {
            true => writeln!(
                f,
                "Revision {revision} of the rules is published in {} and verified as a client does.",
                self.repository
            )?,
            false => writeln!(
                f,
                "Revision {revision} of the rules is in force already; there was nothing to do."
            )?,
        }
        for rule in self.manifest.rules() {
            write_rule(f, rule)?;
        }
        match &self.note {
            Some(note) => writeln!(f, "{note}"),
            None => Ok(()),
        }
    }
}
