//! Rules against releases and printers, one property a test.

mod minimums;
mod reading;
mod rulings;
mod succession;

use firstlayer_bundle::Model;
use semver::Version;

use super::*;
use crate::testing::{manifest, measured, version};
use crate::{Channel, ChannelManifest, Release};

const HTTPS: &str = "https-transfer";

/// The rule of the story: warned from August on, enforced on 25 November.
const RULES: &str = r#"
[[rules]]
name = "https-files"
capability = "https-transfer"
withholds = "cloud-print"
warn_from = "2026-08-25T00:00:00Z"
enforce_from = "2026-11-25T00:00:00Z"
reason = "model files travel over HTTPS only"
help = "https://help.firstlayer.example/https"
"#;

const BEFORE: &str = "2026-08-24T23:59:59Z";
const WARNED: &str = "2026-11-24T23:59:59Z";
const ENFORCED: &str = "2026-11-25T00:00:00Z";

/// 1.0 to 1.3 cannot, 1.4 can.
fn story() -> ChannelManifest {
    manifest(
        ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]
            .map(|text| measured(text, 1, &["lan-mqtts"]))
            .into_iter()
            .chain([measured("1.4.0", 1, &["lan-mqtts", HTTPS])])
            .collect(),
    )
}

fn rules(more: &str) -> Rules {
    Rules::parse(&format!("{RULES}{more}")).unwrap()
}

fn enforced(rules: &Rules, channels: &[ChannelManifest]) -> EnforcementManifest {
    EnforcementManifest::new(1, rules.derive(channels).0, Vec::new()).unwrap()
}

fn policy(rules: &Rules, channels: &[ChannelManifest]) -> Policy {
    Policy::new(channels, enforced(rules, channels))
}

/// A printer that says that it is a first-mini on stable with this version.
struct Seen {
    channel: Channel,
    model: Model,
    version: Version,
    report: Report,
}

impl Seen {
    fn running(text: &str) -> Self {
        Self {
            channel: "stable".parse().unwrap(),
            model: "first-mini".parse().unwrap(),
            version: version(text),
            report: Report::Claimed,
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            channel: &self.channel,
            model: &self.model,
            board: None,
            version: &self.version,
            report: self.report,
        }
    }
}

fn verdict(policy: &Policy, running: &str, now: &str) -> Verdict {
    policy
        .decide(&Seen::running(running).facts(), now.parse().unwrap())
        .verdict
}

fn yanked(mut release: Release) -> Release {
    release.yanked = Some("it smells".to_owned());
    release
}

fn with_floor(mut release: Release, floor: &str) -> Release {
    release.floor = Some(version(floor));
    release
}
