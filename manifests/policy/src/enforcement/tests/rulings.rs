//! What printers are told, and that nobody without a way out is refused anything.

use std::collections::BTreeSet;

use firstlayer_bundle::Counter;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Printer, Wishes, path};

#[test]
fn warned_and_then_refused_with_every_reason() {
    let policy = policy(&rules(""), &[story()]);
    for (running, before, warned, enforced) in [
        ("1.2.0", Verdict::Ok, Verdict::Warn, Verdict::UpdateRequired),
        ("1.4.0", Verdict::Ok, Verdict::Ok, Verdict::Ok),
        ("1.5.0-dev", Verdict::Ok, Verdict::Ok, Verdict::Ok),
        // Never published, and yet there is a way from it.
        ("1.2.7", Verdict::Ok, Verdict::Warn, Verdict::UpdateRequired),
    ] {
        assert_eq!(verdict(&policy, running, BEFORE), before, "{running}");
        assert_eq!(verdict(&policy, running, WARNED), warned, "{running}");
        assert_eq!(verdict(&policy, running, ENFORCED), enforced, "{running}");
    }
    let seen = Seen::running("1.2.0");
    let ruling = policy.decide(&seen.facts(), ENFORCED.parse().unwrap());
    let finding = ruling.withheld(&"cloud-print".parse().unwrap()).unwrap();
    assert_eq!(finding.why, Why::BelowMinimum);
    assert_eq!(*finding.minimum, version("1.4.0"));
    assert_eq!(finding.reason, "model files travel over HTTPS only");
    assert!(ruling.withheld(&"timelapse".parse().unwrap()).is_none());
    let way: Vec<_> = policy
        .way(&seen.facts())
        .iter()
        .map(|r| &r.version)
        .collect();
    assert_eq!(way, [&version("1.4.0")]);
}

#[test]
fn a_printer_without_a_way_out_is_stranded_and_refused_nothing() {
    let mut releases = story().releases().to_vec();
    releases[4].floor = Some(version("1.3.0"));
    releases[3] = yanked(releases[3].clone());
    let policy = policy(&rules(""), &[manifest(releases)]);
    assert_eq!(verdict(&policy, "1.2.0", WARNED), Verdict::Stranded);
    let seen = Seen::running("1.2.0");
    let ruling = policy.decide(&seen.facts(), ENFORCED.parse().unwrap());
    assert_eq!(ruling.verdict, Verdict::Stranded);
    assert_eq!(ruling.withheld(&"cloud-print".parse().unwrap()), None);
    // Those that still run the yanked stepping stone get there.
    assert_eq!(verdict(&policy, "1.3.0", ENFORCED), Verdict::UpdateRequired);
}

#[test]
fn the_way_goes_over_stepping_stones() {
    let releases = vec![
        measured("1.0.0", 1, &[]),
        measured("2.0.0", 1, &[]),
        with_floor(measured("3.0.0", 1, &[HTTPS]), "2.0.0"),
    ];
    let policy = policy(&rules(""), &[manifest(releases)]);
    assert_eq!(verdict(&policy, "1.0.0", ENFORCED), Verdict::UpdateRequired);
    let seen = Seen::running("1.0.0");
    let way: Vec<_> = policy
        .way(&seen.facts())
        .iter()
        .map(|release| release.version.to_string())
        .collect();
    assert_eq!(way, ["2.0.0", "3.0.0"]);
}

#[test]
fn a_yanked_release_above_the_minimum_that_lacks_it_is_not_let_through() {
    let releases = vec![
        measured("1.0.0", 1, &[HTTPS]),
        yanked(measured("1.1.0", 1, &["lan-mqtts"])),
        measured("1.2.0", 1, &[HTTPS]),
    ];
    let policy = policy(&rules(""), &[manifest(releases)]);
    let seen = Seen::running("1.1.0");
    let ruling = policy.decide(&seen.facts(), ENFORCED.parse().unwrap());
    assert_eq!(ruling.verdict, Verdict::UpdateRequired);
    assert_eq!(ruling.findings[0].why, Why::MeasuredWithout);
    assert_eq!(verdict(&policy, "1.0.0", ENFORCED), Verdict::Ok);
}

#[test]
fn an_exemption_ends() {
    let more = r#"
[[rules.exemptions]]
models = ["first-mini"]
until = "2027-01-01T00:00:00Z"
why = "its update is late"
"#;
    let policy = policy(&rules(more), &[story()]);
    let seen = Seen::running("1.2.0");
    let ruling = policy.decide(&seen.facts(), ENFORCED.parse().unwrap());
    assert_eq!(ruling.verdict, Verdict::Ok);
    assert!(matches!(
        ruling.findings[0].why,
        Why::Exempt {
            because: "its update is late",
            ..
        }
    ));
    assert_eq!(
        verdict(&policy, "1.2.0", "2027-01-01T00:00:00Z"),
        Verdict::UpdateRequired
    );
}

#[test]
fn a_spoofed_version_does_not_pass_where_reports_must_be_signed() {
    let text = RULES.replace("warn_from", "signed_reports = true\nwarn_from");
    let policy = policy(&Rules::parse(&text).unwrap(), &[story()]);
    let now = ENFORCED.parse().unwrap();
    for (report, expected) in [
        (Report::Unproven, Verdict::UpdateRequired),
        (Report::Claimed, Verdict::Ok),
        (Report::Signed, Verdict::Ok),
    ] {
        let mut seen = Seen::running("1.4.0");
        seen.report = report;
        assert_eq!(
            policy.decide(&seen.facts(), now).verdict,
            expected,
            "{report:?}"
        );
    }
}

#[test]
fn printers_that_no_rule_names_are_left_alone() {
    let policy = policy(&rules(""), &[story()]);
    let mut seen = Seen::running("1.0.0");
    seen.model = "another".parse().unwrap();
    assert_eq!(
        policy.decide(&seen.facts(), Timestamp::MAX).verdict,
        Verdict::Ok
    );
    let mut seen = Seen::running("1.0.0");
    seen.channel = "beta".parse().unwrap();
    assert_eq!(
        policy.decide(&seen.facts(), Timestamp::MAX).verdict,
        Verdict::Ok
    );
}

/// Any row of releases: with or without the capability, yanked or not, with floors and rising counters.
fn any_channel() -> impl Strategy<Value = ChannelManifest> {
    let release = (
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(0..8_u64),
        0..2_u64,
    );
    proptest::collection::vec(release, 1..8).prop_map(|releases| {
        let mut counter = 0;
        let releases = releases.into_iter().enumerate();
        let releases = releases.map(|(index, (able, off, floor, rise))| {
            counter += rise;
            let index = index as u64;
            let capabilities: &[&str] = if able { &[HTTPS] } else { &[] };
            let mut release = measured(&format!("1.{index}.0"), counter, capabilities);
            release.floor = floor.map(|floor| Version::new(1, floor.min(index), 0));
            if off { yanked(release) } else { release }
        });
        manifest(releases.collect())
    })
}

proptest! {
    /// The promise of the whole project: whoever is refused something gets out by updating, as printers update.
    #[test]
    fn whoever_is_refused_has_a_way_out(channel in any_channel(), running in 0..9_u64, patch in 0..2_u64) {
        let channels = [channel];
        let policy = policy(&rules(""), &channels);
        let mut seen = Seen::running("1.0.0");
        seen.version = Version::new(1, running, patch);
        let ruling = policy.decide(&seen.facts(), Timestamp::MAX);
        if ruling.verdict == Verdict::UpdateRequired {
            let steps = path(&channels[0], &as_printer(&channels[0], &seen));
            let reached = steps.last().expect("a way").version.clone();
            let there = Seen { version: reached, ..seen };
            prop_assert_eq!(policy.decide(&there.facts(), Timestamp::MAX).verdict, Verdict::Ok);
        }
    }

    /// The way that the cloud expects is the one that printers take.
    #[test]
    fn the_way_is_the_one_that_printers_take(channel in any_channel(), running in 0..9_u64, patch in 0..2_u64) {
        let channels = [channel];
        let policy = policy(&rules(""), &channels);
        let mut seen = Seen::running("1.0.0");
        seen.version = Version::new(1, running, patch);
        let expected = path(&channels[0], &as_printer(&channels[0], &seen));
        prop_assert_eq!(policy.way(&seen.facts()), expected);
    }

    /// Every printer at or above the minimum whose release has the capability is let through.
    #[test]
    fn whoever_has_it_is_let_through(channel in any_channel()) {
        let channels = [channel];
        let policy = policy(&rules(""), &channels);
        let minimum = policy.enforcement().rules()[0].minimums.first().cloned();
        let able: BTreeSet<&Version> = channels[0].releases().iter()
            .filter(|release| release.can(&HTTPS.parse().unwrap()))
            .map(|release| &release.version)
            .collect();
        for version in able.into_iter().filter(|version| minimum.as_ref().is_some_and(|m| **version >= m.version)) {
            let seen = Seen { version: version.clone(), ..Seen::running("1.0.0") };
            prop_assert_eq!(policy.decide(&seen.facts(), Timestamp::MAX).verdict, Verdict::Ok);
        }
    }
}

fn as_printer(channel: &ChannelManifest, seen: &Seen) -> Printer {
    let listed = channel
        .releases()
        .iter()
        .find(|release| release.version == seen.version);
    Printer {
        board: "virt-armv7".parse().unwrap(),
        model: seen.model.clone(),
        version: seen.version.clone(),
        counter: listed.map_or(Counter::default(), |release| release.counter),
        refused: Vec::new(),
        wishes: Wishes::default(),
        serial: None,
        now: Timestamp::MAX,
    }
}
