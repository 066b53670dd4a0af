//! The parts of the gate that every request shares, and the questions that more than one route asks of them.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use firstlayer_census::Store;
use firstlayer_policy::{Feature, Report, RuleName, Ruling, Verdict};
use jiff::Timestamp;

use crate::audit::{Audit, Record};
use crate::census::Reports;
use crate::files::Files;
use crate::keyring::Keyring;
use crate::metadata::Standing;
use crate::metrics::Metrics;
use crate::mqtt::{Issuer, broker::Broker};
use crate::overview::Fields;
use crate::printer::Printer;
use crate::secret::Secret;

/// What the gate is made of.
#[derive(Debug)]
pub struct Parts {
    /// The rules in force.
    pub standing: Arc<Standing>,
    /// The device keys.
    pub keyring: Arc<Keyring>,
    /// Where reports go.
    pub reports: Reports,
    /// The census.
    pub store: Store,
    /// The audit log.
    pub audit: Audit,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who may do more than ask.
    pub tokens: Tokens,
    /// The repository's URL, as printers are told it.
    pub repository: String,
    /// The store of model files, if the gate signs URLs for one.
    pub files: Option<Files>,
    /// MQTT, if the gate gives credentials for it.
    pub mqtt: Option<Mqtt>,
}

/// Who may do more than ask.
#[derive(Debug)]
pub struct Tokens {
    /// The operator: registers device keys, reads the census.
    pub operator: Secret,
    /// The maker's own services, which know by themselves whom they speak for.
    pub service: Option<Secret>,
}

/// Credentials for MQTT.
#[derive(Debug)]
pub struct Mqtt {
    /// Makes and checks them.
    pub issuer: Issuer,
    /// The broker that has to be told, where it does not ask.
    pub broker: Option<Arc<Broker>>,
}

/// The gate.
#[derive(Debug)]
pub struct Gate {
    pub(crate) parts: Parts,
    pub(crate) cloud_print: Feature,
    pub(crate) cloud_control: Feature,
    pub(crate) fields: Fields,
}

/// What was asked for, in the words of the audit log.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Whose it is.
    pub printer: &'a Printer,
    /// What.
    pub what: String,
    /// Which feature that is.
    pub feature: &'a Feature,
}

impl Gate {
    /// The gate of these parts.
    ///
    /// # Errors
    /// Never: both names are features.
    pub fn new(parts: Parts) -> Result<Self, firstlayer_policy::FeatureError> {
        Ok(Self {
            fields: Fields::new(parts.store.clone()),
            parts,
            cloud_print: "cloud-print".parse()?,
            cloud_control: "cloud-control".parse()?,
        })
    }

    /// How far what is said of a printer can be believed.
    pub(crate) fn judge(&self, printer: &Printer, now: Timestamp) -> Report {
        self.parts.keyring.judge(printer, now)
    }

    /// Whether the caller may act for this printer: it is the printer and proves it, or one of the maker's services.
    pub(crate) fn may_act(&self, headers: &HeaderMap, report: Report) -> bool {
        report == Report::Signed
            || self
                .parts
                .tokens
                .service
                .as_ref()
                .is_some_and(|s| bears(headers, s))
    }

    /// Whether the caller is the operator.
    pub(crate) fn is_operator(&self, headers: &HeaderMap) -> bool {
        bears(headers, &self.parts.tokens.operator)
    }

    /// Counts a ruling, and says in the audit log if something was refused by it.
    pub(crate) async fn rule(&self, asked: &Asked<'_>, ruling: &Ruling<'_>, now: Timestamp) {
        let metrics = &self.parts.metrics;
        metrics.decided(ruling.verdict.as_str());
        let finding = ruling.withheld(asked.feature);
        let Some(finding) = finding else { return };
        metrics.refused(finding.rule.as_str());
        self.audit(asked, Verdict::UpdateRequired, Some(finding.rule), now)
            .await;
    }

    /// Says in the audit log that something is handed out, which was made and is not sent yet.
    pub(crate) async fn hand_out(&self, asked: &Asked<'_>, verdict: Verdict, now: Timestamp) {
        self.audit(asked, verdict, None, now).await;
    }

    /// Granted, unless a rule refused it.
    async fn audit(
        &self,
        asked: &Asked<'_>,
        verdict: Verdict,
        refused_by: Option<&RuleName>,
        now: Timestamp,
    ) {
        let record = Record {
            time: now,
            serial: asked.printer.serial.to_string(),
            asked: asked.what.clone(),
            verdict,
            granted: refused_by.is_none(),
            rule: refused_by.map(ToString::to_string),
        };
        self.parts.audit.record(record).await;
    }
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let text = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    text.and_then(|text| text.strip_prefix("Bearer "))
        .is_some_and(|text| token.is(text))
}
