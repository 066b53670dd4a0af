//! `auth_request` of nginx: may this printer have this feature?
//!
//! nginx hands on nothing of such an answer but 401 and 403, so a refusal is a 403 here; what the printer is told comes
//! from `/v1/refusal`, which nginx asks as its error page. This is the way that every job takes: nothing on it waits for
//! the database.

use axum::extract::State;
use axum::http::header::UPGRADE;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use firstlayer_policy::{Capability, Feature, Report, RuleName, Ruling, Verdict, Why};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::Shared;
use super::answer::{Problem, json, set};
use crate::Asked;
use crate::decision::{Decision, Update};
use crate::metadata::InForce;
use crate::printer::Printer;

const VERDICT: HeaderName = HeaderName::from_static("x-firstlayer-verdict");
const RULE: HeaderName = HeaderName::from_static("x-firstlayer-rule");
const MINIMUM: HeaderName = HeaderName::from_static("x-firstlayer-minimum");
const DEADLINE: HeaderName = HeaderName::from_static("x-firstlayer-deadline");

/// What a refused printer is told. `decision` to `help` are what it reads, as in the message over MQTT; it reads no more
/// than the first 8 KiB, so nothing of the other rules is in it.
#[derive(Serialize)]
struct Refusal<'a> {
    error: &'static str,
    message: String,
    decision: &'static str,
    reason: &'a str,
    version: &'a Version,
    deadline: Timestamp,
    help: &'a str,
    serial: &'a str,
    feature: &'a Feature,
    rule: &'a RuleName,
    capability: &'a Capability,
    minimum: &'a Version,
    #[serde(flatten)]
    why: &'a Why<'a>,
    update: &'a Update<'a>,
}

/// `GET /v1/authorize?feature=cloud-print`: 204, or 403 for nginx.
pub(super) async fn authorize(
    State(gate): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let (feature, printer) = match question(&gate, &uri, &headers) {
        Ok(question) => question,
        // nginx makes a 500 of everything else; as a 403 it becomes the 400 that `/v1/refusal` gives.
        Err(_) => return StatusCode::FORBIDDEN.into_response(),
    };
    let now = Timestamp::now();
    let report = gate.judge(&printer, now);
    let response = {
        let guard = gate.parts.standing.in_force();
        let Some(in_force) = guard.as_ref() else {
            return Problem::no_rules().into_response();
        };
        let facts = printer.facts(report);
        let ruling = in_force.policy().decide(&facts, in_force.judged_at(now));
        let asked = Asked {
            printer: &printer,
            what: String::new(),
            feature: &feature,
        };
        match ruling.withheld(&feature) {
            None => {
                gate.parts.metrics.decided(ruling.verdict.as_str());
                shown(StatusCode::NO_CONTENT, &ruling, &feature)
            }
            Some(_) => {
                let asked = Asked {
                    what: feature.to_string(),
                    ..asked
                };
                gate.rule(&asked, &ruling, now).await;
                shown(StatusCode::FORBIDDEN, &ruling, &feature)
            }
        }
    };
    gate.parts.reports.note(printer.into_entry(now), report);
    response
}

/// `GET /v1/refusal?feature=cloud-print`: what a printer is told that was refused.
pub(super) async fn refusal(State(gate): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let (feature, printer) = match question(&gate, &uri, &headers) {
        Ok(question) => question,
        Err(problem) => return problem.into_response(),
    };
    let now = Timestamp::now();
    let report = gate.judge(&printer, now);
    let guard = gate.parts.standing.in_force();
    let Some(in_force) = guard.as_ref() else {
        return Problem::no_rules().into_response();
    };
    let decision = Decision::new(in_force, &printer, report, &gate.parts.repository, now);
    match refused(&decision, &feature) {
        Some(response) => response,
        // The rules changed between nginx's two questions.
        None => Problem::unavailable("ask-again", "nothing is withheld any more: ask again")
            .into_response(),
    }
}

/// The answer to a printer from which the feature is withheld; `None` if it is not.
pub(super) fn refused(decision: &Decision<'_>, feature: &Feature) -> Option<Response> {
    let finding = decision.ruling().withheld(feature)?;
    let update = decision.update();
    let body = Refusal {
        error: "update-required",
        message: format!(
            "{feature} needs firmware {} or later; the update itself is never refused",
            finding.minimum
        ),
        decision: finding.verdict.as_str(),
        reason: finding.reason,
        version: update.leads_to().unwrap_or(finding.minimum),
        deadline: finding.deadline,
        help: finding.help,
        serial: decision.serial(),
        feature,
        rule: finding.rule,
        capability: finding.capability,
        minimum: finding.minimum,
        why: &finding.why,
        update,
    };
    let mut response = json(StatusCode::UPGRADE_REQUIRED, &body);
    // RFC 9110, 15.5.22: such an answer names what would be spoken after the upgrade.
    set(
        &mut response,
        UPGRADE,
        &format!("firmware/{}", finding.minimum),
    );
    show_finding(&mut response, decision.ruling(), feature);
    Some(response)
}

/// Which rules are in force is not asked: this is the way for whoever needs the rules' answer before the printer's.
pub(super) fn decide<'a>(
    gate: &'a Shared,
    in_force: &'a InForce,
    printer: &'a Printer,
    now: Timestamp,
) -> Decision<'a> {
    let report = gate.judge(printer, now);
    Decision::new(in_force, printer, report, &gate.parts.repository, now)
}

fn question(gate: &Shared, uri: &Uri, headers: &HeaderMap) -> Result<(Feature, Printer), Problem> {
    let feature = match uri.query() {
        None => gate.cloud_print.clone(),
        Some(query) => {
            let name = query.strip_prefix("feature=");
            let name = name.ok_or_else(|| Problem::bad("the query is not feature=NAME"))?;
            name.parse()
                .map_err(|error: firstlayer_policy::FeatureError| Problem::bad(error.to_string()))?
        }
    };
    Ok((feature, Printer::from_headers(headers)?))
}

fn shown(status: StatusCode, ruling: &Ruling<'_>, feature: &Feature) -> Response {
    let mut response = status.into_response();
    show_finding(&mut response, ruling, feature);
    response
}

/// The gravest finding about the feature, for a proxy that hands it on.
fn show_finding(response: &mut Response, ruling: &Ruling<'_>, feature: &Feature) {
    let findings = ruling.findings.iter();
    let gravest = findings
        .filter(|finding| finding.withholds == feature)
        .max_by_key(|finding| finding.verdict);
    let Some(finding) = gravest else {
        set(response, VERDICT, "ok");
        return;
    };
    set(response, VERDICT, finding.verdict.as_str());
    set(response, RULE, finding.rule.as_str());
    set(response, MINIMUM, &finding.minimum.to_string());
    set(response, DEADLINE, &finding.deadline.to_string());
}

/// Whether a printer may have what it asks for.
pub(super) enum Leave {
    /// It may, and this is how it stands.
    Given(Verdict),
    /// It may not, and this is its answer.
    Refused(Response),
}

impl crate::Gate {
    /// Rules on what a printer asks for. A refusal is in the audit log; what is handed out has to be put there.
    pub(super) async fn ask(
        &self,
        asked: &Asked<'_>,
        report: Report,
        now: Timestamp,
    ) -> Result<Leave, Problem> {
        let guard = self.parts.standing.in_force();
        let in_force = guard.as_ref().ok_or_else(Problem::no_rules)?;
        let repository = &self.parts.repository;
        let decision = Decision::new(in_force, asked.printer, report, repository, now);
        self.rule(asked, decision.ruling(), now).await;
        let given = Leave::Given(decision.ruling().verdict);
        Ok(refused(&decision, asked.feature).map_or(given, Leave::Refused))
    }
}
