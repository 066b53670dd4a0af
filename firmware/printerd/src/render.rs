//! Reports and failures, as text for people or as one JSON document; both from the same values.

use std::io::{self, Write};

use firstlayer_agent::{CheckReport, Installed, Outcome, PassedOver};
use semver::Version;
use serde::Serialize;

use crate::{
    cloud::LinkState,
    exit::Exit,
    service::{
        WifiConfigured,
        console::{Answer, Certificate},
        lan,
    },
    update::{Report, Standing},
};

/// Writes what the service answered.
pub fn answer(out: &mut dyn Write, answer: &Answer, json: bool) -> io::Result<()> {
    if json {
        return document(out, answer);
    }
    match answer {
        Answer::AccessCode { user, access_code } => {
            writeln!(out, "user {user}, access code {access_code}")
        }
        Answer::Certificate(certificate) => shown(out, certificate),
        Answer::Lan(standing) => lan_mode(out, standing),
        Answer::Status {
            lan,
            cloud,
            printer,
        } => {
            lan_mode(out, lan)?;
            link(out, cloud)?;
            writeln!(out, "{printer:#}")
        }
        Answer::Failure { failure } => writeln!(out, "{failure}"),
    }
}

/// Writes where the supplicant finds its network.
pub fn wifi(out: &mut dyn Write, configured: &WifiConfigured, json: bool) -> io::Result<()> {
    if json {
        return document(out, configured);
    }
    let WifiConfigured { ssid, file } = configured;
    writeln!(out, "{ssid} is configured in {}", file.display())
}

fn shown(out: &mut dyn Write, certificate: &Certificate) -> io::Result<()> {
    let Certificate {
        serial,
        fingerprint,
        ends,
        authority_fingerprint,
        authority,
    } = certificate;
    writeln!(out, "certificate of {serial}, until {ends}")?;
    writeln!(out, "SHA-256 {fingerprint}")?;
    writeln!(out, "authority SHA-256 {authority_fingerprint}")?;
    write!(out, "{authority}")
}

fn link(out: &mut dyn Write, state: &LinkState) -> io::Result<()> {
    match state {
        LinkState::Connected => writeln!(out, "the cloud is connected"),
        LinkState::Connecting => writeln!(out, "the cloud is being connected"),
        LinkState::Waiting { reason } => writeln!(out, "the cloud is not connected: {reason}"),
        LinkState::Stopped => writeln!(out, "there is no link to a cloud"),
    }
}

fn lan_mode(out: &mut dyn Write, standing: &lan::Standing) -> io::Result<()> {
    match standing {
        lan::Standing::On => writeln!(out, "LAN mode is on"),
        lan::Standing::Off => writeln!(out, "LAN mode is off"),
        lan::Standing::Failed { reason } => {
            writeln!(out, "LAN mode is to be on and cannot: {reason}")
        }
    }
}

/// Writes a report.
pub fn report(out: &mut dyn Write, report: &Report, json: bool) -> io::Result<()> {
    if json {
        return document(out, report);
    }
    match report {
        Report::Check(check) => checked(out, check),
        Report::Install(Installed { check, installed }) => match installed {
            Some(version) => writeln!(out, "{version} is installed: reboot to try it"),
            None => checked(out, check),
        },
        Report::Skip { skipped } if skipped.is_empty() => writeln!(out, "no version is skipped"),
        Report::Skip { skipped } => writeln!(out, "skipped: {}", list(skipped)),
        Report::Postpone { until: None } => writeln!(out, "updates are not postponed"),
        Report::Postpone { until: Some(until) } => {
            writeln!(out, "no update is offered until {until}")
        }
        Report::Status(standing) => status(out, standing),
        Report::Confirm { version } => writeln!(out, "{version} is confirmed"),
        Report::Rollback {
            reboot_needed: true,
        } => writeln!(out, "rolled back: reboot into the old release"),
        Report::Rollback {
            reboot_needed: false,
        } => writeln!(out, "rolled back"),
        Report::SimulateBoot { boot, image } => {
            let left = boot.trial.map_or(String::new(), |trial| {
                format!(", attempts left: {}", trial.attempts)
            });
            writeln!(
                out,
                "slot {} runs, from {}{left}",
                boot.running,
                image.display()
            )
        }
    }
}

/// Writes a failure: JSON to `out`, text to `err`.
pub fn failure(
    out: &mut dyn Write,
    err: &mut dyn Write,
    error: &anyhow::Error,
    exit: Exit,
    json: bool,
) -> io::Result<()> {
    if !json {
        return writeln!(err, "printerd: {error:#}");
    }
    let failure = Failure {
        code: exit.code(),
        message: format!("{error:#}"),
    };
    document(out, &Failed { error: failure })
}

#[derive(Serialize)]
struct Failed {
    error: Failure,
}

#[derive(Serialize)]
struct Failure {
    code: u8,
    message: String,
}

fn document(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn checked(out: &mut dyn Write, check: &CheckReport) -> io::Result<()> {
    let (running, channel) = (&check.running, &check.channel);
    match (&check.outcome, &check.release, &check.asked) {
        (Outcome::UpdateAvailable, Some(release), _) => {
            let (version, length) = (&release.version, release.length);
            writeln!(out, "{version} is available on {channel} ({length} bytes)")?;
        }
        (Outcome::UpToDate, _, Some(_)) => writeln!(out, "{running} runs already")?,
        (Outcome::UpToDate, _, None) => writeln!(out, "{running} is up to date on {channel}")?,
        (Outcome::Declined, ..) => {
            writeln!(
                out,
                "{channel} has an update for {running} that its owner skipped or postponed"
            )?;
        }
        (_, _, Some(asked)) if check.outcome == Outcome::NotListed => {
            writeln!(out, "{channel} has no release {asked} for this board")?;
        }
        (_, _, Some(asked)) => {
            writeln!(
                out,
                "{asked} on {channel} cannot be installed over {running}"
            )?;
        }
        _ => writeln!(out, "nothing on {channel} can be installed over {running}")?,
    }
    match &check.asked {
        Some(asked) => objections(out, check, asked)?,
        None => choices(out, check)?,
    }
    development(out, check.development_keys)
}

/// What speaks against the version that was asked for.
fn objections(out: &mut dyn Write, check: &CheckReport, asked: &Version) -> io::Result<()> {
    let mut releases = check.on_request.iter();
    match releases.find(|other| other.version == *asked) {
        Some(other) if !other.against.is_empty() => {
            writeln!(out, "  not {asked}: {}", other.against.join(", "))
        }
        _ => Ok(()),
    }
}

/// Why not the newer ones, and what may be had by its name.
fn choices(out: &mut dyn Write, check: &CheckReport) -> io::Result<()> {
    let newer = |other: &&PassedOver| other.version > check.running;
    for other in check.passed_over.iter().filter(newer) {
        writeln!(out, "  not {}: {}", other.version, other.reasons.join(", "))?;
    }
    let offered = check.release.as_ref().map(|release| &release.version);
    let on_request: Vec<&Version> = check
        .on_request
        .iter()
        .filter(|other| other.against.is_empty() && Some(&other.version) != offered)
        .map(|other| &other.version)
        .collect();
    if on_request.is_empty() {
        return Ok(());
    }
    writeln!(out, "  with --version also: {}", list(&on_request))
}

fn list(versions: &[impl ToString]) -> String {
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn status(out: &mut dyn Write, standing: &Standing) -> io::Result<()> {
    let Standing { status, busy } = standing;
    writeln!(
        out,
        "{} runs in slot {}, channel {}",
        status.running, status.slot, status.channel
    )?;
    writeln!(
        out,
        "update: {}{}",
        status.state,
        if *busy {
            ", another command is at work"
        } else {
            ""
        }
    )?;
    if let Some(target) = &status.target {
        writeln!(
            out,
            "target: {} (counter {})",
            target.version, target.counter
        )?;
    }
    if let Some(trial) = status.trial {
        writeln!(
            out,
            "trial: slot {}, attempts left: {}",
            trial.slot, trial.attempts
        )?;
    }
    writeln!(out, "counter: {}", status.counter)?;
    for refused in &status.refused {
        writeln!(
            out,
            "not tried again: {} ({})",
            refused.version, refused.why
        )?;
    }
    if !status.wishes.skipped.is_empty() {
        writeln!(out, "skipped: {}", list(&status.wishes.skipped))?;
    }
    if let Some(until) = status.wishes.postponed_until {
        writeln!(out, "postponed until: {until}")?;
    }
    for problem in &status.problems {
        writeln!(out, "problem: {problem}")?;
    }
    Ok(())
}

fn development(out: &mut dyn Write, development_keys: bool) -> io::Result<()> {
    if development_keys {
        writeln!(out, "development keys")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_text_on_one_side_or_json_on_the_other() {
        let error = anyhow::anyhow!("no space left").context("keeping the update record");
        let render = |json| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            failure(&mut out, &mut err, &error, Exit::Storage, json).unwrap();
            (
                String::from_utf8(out).unwrap(),
                String::from_utf8(err).unwrap(),
            )
        };
        assert_eq!(
            render(false).1,
            "printerd: keeping the update record: no space left\n"
        );
        let value: serde_json::Value = serde_json::from_str(&render(true).0).unwrap();
        assert_eq!(value["error"]["code"], 7);
        assert_eq!(
            value["error"]["message"],
            "keeping the update record: no space left"
        );
    }
}
