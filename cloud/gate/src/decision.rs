//! What the gate answers about a printer: the policy's ruling, and where the printer's update is.
//!
//! The way out is told in every answer, whatever the ruling, and nothing here can withhold it.

use firstlayer_census::Serial;
use firstlayer_policy::{Facts, Feature, Report, Ruling, Verdict};
use jiff::Timestamp;
use semver::Version;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::limits::REASON;
use crate::metadata::InForce;
use crate::printer::Printer;

/// What the gate answers about one printer.
#[derive(Debug, Serialize)]
pub struct Decision<'a> {
    #[serde(serialize_with = "text")]
    serial: &'a Serial,
    #[serde(flatten)]
    ruling: Ruling<'a>,
    /// How far the report was believed.
    report: Report,
    update: Update<'a>,
}

/// Where a printer's update is.
#[derive(Debug, Serialize)]
pub struct Update<'a> {
    /// The repository's URL. Nothing under it is ever behind the gate.
    repository: &'a str,
    /// The versions that it installs one after the other; none if there is nothing newer for it.
    way: Vec<&'a Version>,
}

impl<'a> Decision<'a> {
    /// Decides by these rules.
    pub fn new(
        in_force: &'a InForce,
        printer: &'a Printer,
        report: Report,
        repository: &'a str,
        now: Timestamp,
    ) -> Self {
        let facts = printer.facts(report);
        let ruling = in_force.policy().decide(&facts, in_force.judged_at(now));
        Self {
            serial: &printer.serial,
            ruling,
            report,
            update: Update::new(Some((in_force, &facts)), repository),
        }
    }

    /// The ruling.
    pub fn ruling(&self) -> &Ruling<'a> {
        &self.ruling
    }

    /// Which printer it is about.
    pub fn serial(&self) -> &str {
        self.serial.as_str()
    }

    /// Where its update is.
    pub fn update(&self) -> &Update<'a> {
        &self.update
    }

    /// The message by which the printer is told over MQTT. It stops cloud jobs when that says `update-required`, so it
    /// speaks of what is withheld from cloud printing alone.
    pub fn message(&self, cloud_print: &Feature) -> Value {
        let findings = self.ruling.findings.iter();
        let gravest = findings
            .filter(|finding| finding.withholds == cloud_print)
            .max_by_key(|finding| finding.verdict);
        let mut decision = json!({
            "command": "decision",
            "sequence_id": "0",
            "decision": gravest.map_or(Verdict::Ok, |finding| finding.verdict).as_str(),
            "reason": gravest.map_or("", |finding| shortened(finding.reason)),
        });
        if let (Some(finding), Some(fields)) = (gravest, decision.as_object_mut()) {
            fields.insert("deadline".to_owned(), finding.deadline.to_string().into());
            // The printer takes no longer link, and half a link leads nowhere.
            if finding.help.len() <= REASON {
                fields.insert("help".to_owned(), finding.help.into());
            }
            if let Some(version) = self.update.leads_to() {
                fields.insert("version".to_owned(), version.to_string().into());
            }
        }
        json!({ "cloud": decision })
    }
}

impl<'a> Update<'a> {
    /// The way of this printer, or only the place where nothing more is known.
    pub fn new(known: Option<(&'a InForce, &Facts<'_>)>, repository: &'a str) -> Self {
        let way = known.map(|(in_force, facts)| in_force.policy().way(facts));
        let way = way.unwrap_or_default();
        Self {
            repository,
            way: way.into_iter().map(|release| &release.version).collect(),
        }
    }

    /// The version at its end.
    pub fn leads_to(&self) -> Option<&'a Version> {
        self.way.last().copied()
    }
}

/// The text up to the printer's limit, cut between characters.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(REASON))
        .unwrap_or_default()
}

fn text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
