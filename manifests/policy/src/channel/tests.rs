//! What a manifest may say, what it may not, and that writing and reading agree.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{manifest, release, version};

fn stable() -> Channel {
    "stable".parse().unwrap()
}

fn parse(bytes: &[u8]) -> Result<ChannelManifest, PolicyError> {
    ChannelManifest::parse(bytes, &stable(), &Limits::default())
}

/// The document with one release, changed by `edit`.
fn edited(edit: impl Fn(&mut Value)) -> Vec<u8> {
    let bytes = manifest(vec![release("1.2.0", 3)]).to_bytes().unwrap();
    let mut value = serde_json::from_slice(&bytes).unwrap();
    edit(&mut value);
    serde_json::to_vec(&value).unwrap()
}

fn problem(releases: Vec<Release>) -> String {
    match ChannelManifest::new(stable(), releases) {
        Err(error @ PolicyError::Release { .. }) => error.to_string(),
        other => panic!("{other:?} is not a refused release"),
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let written = manifest(vec![release("1.2.0", 3), release("1.0.0", 1)]);
    let bytes = written.to_bytes().unwrap();
    assert_eq!(parse(&bytes).unwrap(), written);
    let other_order = manifest(vec![release("1.0.0", 1), release("1.2.0", 3)]);
    assert_eq!(other_order.to_bytes().unwrap(), bytes);
}

#[test]
fn fields_from_the_future_are_ignored() {
    let bytes = edited(|value| {
        value["census"] = json!({"a": 1});
        value["releases"][0]["advisories"] = json!(["FL-2026-1"]);
        value["releases"][0]["bundle"]["provenance"] = json!("x");
    });
    assert_eq!(parse(&bytes).unwrap(), manifest(vec![release("1.2.0", 3)]));
}

#[test]
fn another_major_format_is_refused_before_its_fields_are_read() {
    let bytes = br#"{"format": 2, "releases": "a string now"}"#;
    assert!(matches!(
        parse(bytes),
        Err(PolicyError::UnknownFormat { found: 2, known: 1 })
    ));
}

#[test]
fn types_are_strict() {
    let wrong: [(&str, Value); 6] = [
        ("counter", json!("3")),
        ("counter", json!(3.0)),
        ("counter", json!(9_007_199_254_740_992_u64)),
        ("version", json!("v1.2")),
        ("models", json!("first-mini")),
        ("board", json!("../virt")),
    ];
    for (field, value) in wrong {
        let bytes = edited(|document| document["releases"][0][field] = value.clone());
        assert!(
            matches!(parse(&bytes), Err(PolicyError::Malformed(_))),
            "{field}: {value}"
        );
    }
}

#[test]
fn a_field_given_twice_is_refused() {
    let bytes = br#"{"format":1,"channel":"stable","channel":"beta","releases":[]}"#;
    assert!(matches!(parse(bytes), Err(PolicyError::Malformed(_))));
}

#[test]
fn limits_hold() {
    let bytes = manifest(vec![release("1.0.0", 1), release("1.1.0", 1)])
        .to_bytes()
        .unwrap();
    let short = Limits {
        bytes: bytes.len() - 1,
        ..Limits::default()
    };
    let few = Limits {
        releases: 1,
        ..Limits::default()
    };
    let read = |limits| ChannelManifest::parse(&bytes, &stable(), &limits);
    assert!(matches!(read(short), Err(PolicyError::TooLong { .. })));
    assert!(matches!(
        read(few),
        Err(PolicyError::TooManyReleases { count: 2, limit: 1 })
    ));
}

/// Else a release would publish what every printer refuses.
#[test]
fn what_readers_would_not_take_is_not_written() {
    let releases = |count: u64| (0..count).map(|patch| release(&format!("1.0.{patch}"), patch));
    let most = Limits::default().releases as u64;
    assert!(manifest(releases(most).collect()).to_bytes().is_ok());
    assert!(matches!(
        manifest(releases(most + 1).collect()).to_bytes(),
        Err(PolicyError::TooManyReleases { .. })
    ));
    let mut wordy: Vec<Release> = releases(most).collect();
    for release in &mut wordy {
        release.yanked = Some("x".repeat(1000));
    }
    assert!(matches!(
        manifest(wordy).to_bytes(),
        Err(PolicyError::TooLong { .. })
    ));
}

#[test]
fn betas_manifest_is_not_stables() {
    let bytes = edited(|value| value["channel"] = json!("beta"));
    assert!(matches!(
        parse(&bytes),
        Err(PolicyError::OtherChannel { .. })
    ));
}

#[test]
fn a_bundle_must_be_named_after_channel_version_and_board() {
    for name in [
        "beta-1.2.0-virt-armv7.bundle",
        "stable-1.2.1-virt-armv7.bundle",
        "stable-1.2.0-virt.bundle",
    ] {
        let mut bad = release("1.2.0", 3);
        bad.bundle.target = name.to_owned();
        assert!(problem(vec![bad]).contains(name));
    }
}

#[test]
fn counters_never_fall_with_rising_versions() {
    assert!(problem(vec![release("1.0.0", 5), release("1.1.0", 4)]).contains("lower than 5"));
}

#[test]
fn each_board_counts_for_itself() {
    let mut other = release("1.1.0", 4);
    other.board = "virt-aarch64".parse().unwrap();
    other.bundle.target = "stable-1.1.0-virt-aarch64.bundle".to_owned();
    assert!(ChannelManifest::new(stable(), vec![release("1.0.0", 5), other]).is_ok());
}

#[test]
fn a_version_is_listed_once_for_a_board() {
    assert!(problem(vec![release("1.0.0", 1), release("1.0.0", 1)]).contains("twice"));
}

#[test]
fn other_contradictions_are_named() {
    type Edit = fn(&mut Release);
    let cases: [(&str, Edit); 6] = [
        ("floor", |release| release.floor = Some(version("9.0.0"))),
        ("no model", |release| release.models.clear()),
        ("model twice", |release| {
            release.models.push(release.models[0].clone())
        }),
        ("without a reason", |release| {
            release.yanked = Some(" ".to_owned())
        }),
        ("longer than", |release| {
            release.yanked = Some("x".repeat(2000))
        }),
        ("not longer than the manifest", |release| {
            release.bundle.manifest.length = release.bundle.length
        }),
    ];
    for (words, edit) in cases {
        let mut bad = release("1.2.0", 3);
        edit(&mut bad);
        assert!(problem(vec![bad]).contains(words), "{words}");
    }
}

#[test]
fn build_metadata_is_refused() {
    assert!(problem(vec![release("1.2.0+abc", 3)]).contains("build metadata"));
}

#[test]
fn channel_names_are_plain() {
    for name in ["", "-a", "Stable", "a/b", "..", "a.json", &"x".repeat(33)] {
        assert!(name.parse::<Channel>().is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_damage_to_a_manifest_gives_an_invalid_one(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = manifest(vec![release("1.0.0", 1), release("1.2.0", 3)]).to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = parse(&bytes) {
            prop_assert!(check_releases(read.channel(), read.releases()).is_ok());
        }
    }
}
