//! Bundles whose publisher signed them though they break the rules: a stolen key, or a mistake. Named by attack.

use firstlayer_bundle::{Error, Limits, ManifestDigest, Sha256, read_manifest};
use serde_json::{Value, json};

use crate::support::{Forgery, refusal};

const IMAGE: &[u8] = b"an image that is short, an image that is short";

fn over_limit(what: &str) -> String {
    format!("OverLimit {{ what: {what:?}, value: ")
}

fn with(place: &str, value: impl Into<Value>) -> String {
    refusal(Forgery::new(IMAGE).set(place, value).read())
}

fn with_frame(stored: &[u8]) -> String {
    refusal(Forgery::new(IMAGE).replace_frame(stored).read())
}

/// The frame header of the image: single segment, 46 bytes.
const HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 46];

#[test]
fn the_fixture_itself_is_good() {
    assert_eq!(Forgery::new(IMAGE).read().unwrap(), [IMAGE]);
}

#[test]
fn a_compression_bomb() {
    let bomb = zstd::bulk::compress(&[0; 1 << 20], 1).unwrap();
    assert_eq!(with_frame(&bomb), "FrameHeader");
    // The header tells the right size, and one run-length block makes 128 KiB of it.
    let block = ((128 << 10) << 3 | 1 << 1 | 1_u32).to_le_bytes();
    let liar = [&HEADER, &block[..3], b"0"].concat();
    assert!(with_frame(&liar).starts_with("Decompress("));
}

#[test]
fn an_oversized_window() {
    // No single segment, a window of 2 GiB, the content size in two bytes.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x40, 21 << 3, 46, 0, 1, 0, 0];
    assert_eq!(with_frame(&window), "FrameHeader");
}

#[test]
fn frames_of_another_kind() {
    let good = Forgery::new(IMAGE).content;
    assert_eq!(with_frame(&[&good[..], &good].concat()), "FrameExtent");
    assert_eq!(
        with_frame(&[&good[..], b"\x50\x2a\x4d\x18\x01\0\0\0x"].concat()),
        "FrameExtent"
    );
    assert_eq!(with_frame(b"\x50\x2a\x4d\x18\x01\0\0\0x"), "FrameHeader");
    assert_eq!(with_frame(&good[..good.len() - 1]), "FrameExtent");
    assert_eq!(with_frame(b"not zstd"), "FrameHeader");
    let (checksum, dictionary) = (
        [0x28, 0xb5, 0x2f, 0xfd, 0x24, 46],
        [0x28, 0xb5, 0x2f, 0xfd, 0x21, 1, 46],
    );
    assert_eq!(with_frame(&[&checksum, &good[6..]].concat()), "FrameHeader");
    assert_eq!(
        with_frame(&[&dictionary, &good[6..]].concat()),
        "FrameHeader"
    );
}

#[test]
fn hashes_that_do_not_belong_to_the_image() {
    let other = Sha256::of(b"another image").to_string();
    assert_eq!(
        with("/payloads/0/frames/0/sha256", other.as_str()),
        "RawHash"
    );
    assert_eq!(
        with("/payloads/0/frames/0/stored/sha256", other.as_str()),
        "StoredHash"
    );
    assert_eq!(
        with("/payloads/0/sha256", other.as_str()),
        "ImageHash { payload: \"root\" }"
    );
}

#[test]
fn lengths_over_the_limits() {
    for (place, what) in [
        ("/payloads/0/length", "an image's length"),
        ("/payloads/0/frames/0/length", "a frame's length"),
        (
            "/payloads/0/frames/0/stored/length",
            "a frame's stored length",
        ),
    ] {
        for length in [0, (4 << 30) + 1, 1 << 53, u64::MAX] {
            let refusal = with(place, length);
            assert!(
                refusal.starts_with(&over_limit(what)),
                "{place} {length}: {refusal}"
            );
        }
    }
    assert!(
        with("/payloads/0/frames/0/length", (8 << 20) + 1)
            .starts_with(&over_limit("a frame's length"))
    );
    assert!(with("/payloads", json!([])).starts_with(&over_limit("a number of payloads")));
    assert!(with("/models", json!([])).starts_with(&over_limit("a number of models")));
    let models = (100..200)
        .map(|number| format!("p{number}"))
        .collect::<Vec<_>>();
    assert!(with("/models", models).starts_with(&over_limit("a number of models")));
}

#[test]
fn numbers_that_are_not_whole_and_positive() {
    for number in [
        json!(-1),
        json!(46.0),
        json!("46"),
        json!(1e300),
        json!(null),
    ] {
        assert!(
            with("/payloads/0/length", number.clone()).starts_with("ManifestForm("),
            "{number}"
        );
        assert!(
            with("/counter", number.clone()).starts_with("ManifestForm("),
            "{number}"
        );
    }
    assert!(with("/counter", 1_u64 << 53).starts_with("ManifestForm("));
}

#[test]
fn statements_that_contradict_each_other() {
    assert!(with("/payloads/0/length", 47).contains("the length of its frames together"));
    assert!(with("/models", json!(["x1", "p1"])).contains("models are sorted"));
    assert!(with("/models", json!(["p1", "p1"])).contains("models are sorted"));
    let payload = &Forgery::new(IMAGE).manifest["payloads"][0];
    assert!(with("/payloads", json!([payload, payload])).contains("no two payloads have one name"));
}

#[test]
fn delta_frames_with_unchecked_sizes() {
    let base = json!({ "length": 1000, "sha256": Sha256::of(b"base").to_string() });
    let delta = |base: &Value, offset: u64, length: u64| {
        let mut forgery = Forgery::new(IMAGE);
        forgery.set("/payloads/0/base", base.clone());
        forgery.set(
            "/payloads/0/frames/0/reference",
            json!({ "offset": offset, "length": length }),
        );
        refusal(forgery.read())
    };
    let outside = "a reference lies within its payload's base image";
    assert!(delta(&base, 1, 1000).contains(outside));
    assert!(delta(&base, u64::MAX, 2).contains(outside));
    assert!(delta(&Value::Null, 0, 1).contains(outside));
    assert!(delta(&base, 0, 0).starts_with(&over_limit("a reference's length")));
    assert!(delta(&base, 0, (8 << 20) + 1).starts_with(&over_limit("a reference's length")));
    assert_eq!(
        delta(&base, 0, 1000),
        "DeltaNeedsBase { payload: \"root\" }"
    );
    assert_eq!(
        with("/payloads/0/base", base),
        "DeltaNeedsBase { payload: \"root\" }"
    );
}

#[test]
fn manifests_of_another_form() {
    assert_eq!(with("/format", 2), "UnknownFormat(2)");
    for place in [
        "/run",
        "/payloads/0/run",
        "/payloads/0/frames/0/run",
        "/payloads/0/frames/0/stored/run",
    ] {
        assert!(with(place, "x").contains("unknown field"), "{place}");
    }
    for name in ["../root", "/root", "root.zst", "", "Root", "ro ot"] {
        assert!(
            with("/payloads/0/name", name).starts_with("ManifestForm("),
            "{name}"
        );
    }
    assert!(with("/version", "1").starts_with("ManifestForm("));
}

#[test]
fn a_manifest_that_fills_the_memory() {
    let limit = Limits::default().manifest;
    for length in [limit + 1, u64::MAX] {
        let digest = ManifestDigest {
            length,
            sha256: Sha256::of(b""),
        };
        let error = read_manifest(std::io::repeat(b' '), &digest, &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::ManifestTooLong { .. }), "{error:?}");
    }
}
