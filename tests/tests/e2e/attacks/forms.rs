//! Attacks by what documents say: names that are paths, forms that broke parsers, and a channel manifest that lies.

use firstlayer_tests::fixture::keys_of;
use serde_json::{Value, json};

use super::{Attack, attack};

pub(super) const ATTACKS: &[Attack] = &[
    // Names.
    attack(
        "target-name-leaves-the-folder",
        "stable is not well-formed",
        |fixture| {
            fixture.say("stable", |said| {
                said["targets"]["../../etc/passwd"] = some_target()
            })
        },
    ),
    attack(
        "target-name-is-absolute",
        "stable is not well-formed",
        |fixture| {
            fixture.say("stable", |said| {
                said["targets"]["/etc/passwd"] = some_target()
            })
        },
    ),
    attack(
        "bundle-name-leaves-the-folder",
        "its bundle is `../",
        |fixture| {
            fixture.say("stable.json", |channel| {
                release(channel)["bundle"]["target"] = json!("../../etc/passwd")
            })
        },
    ),
    attack(
        "bundle-name-is-absolute",
        "its bundle is `/etc",
        |fixture| {
            fixture.say("stable.json", |channel| {
                release(channel)["bundle"]["target"] = json!("/etc/passwd")
            })
        },
    ),
    // Forms that panicked parsers, before any signature is checked.
    attack(
        "timestamp-empty",
        "timestamp is not well-formed",
        |fixture| fixture.tamper("timestamp.json", Vec::clear),
    ),
    attack("timestamp-cut", "timestamp is not well-formed", |fixture| {
        fixture.tamper("timestamp.json", |bytes| bytes.truncate(bytes.len() / 2))
    }),
    attack(
        "timestamp-not-utf-8",
        "timestamp is not well-formed",
        |fixture| fixture.tamper("timestamp.json", |bytes| *bytes = b"\xff\xfe{}".to_vec()),
    ),
    attack(
        "timestamp-nested-deeply",
        "timestamp is not well-formed",
        |fixture| fixture.tamper("timestamp.json", |bytes| *bytes = b"[".repeat(16_000)),
    ),
    attack(
        "timestamp-signature-without-members",
        "timestamp is not well-formed",
        |fixture| fixture.envelope("timestamp", |file| file["signatures"] = json!([{}])),
    ),
    attack(
        "signature-of-odd-length",
        "timestamp has 0 of the 1 valid signatures",
        |fixture| {
            fixture.envelope("timestamp", |file| {
                file["signatures"][0]["sig"] = json!("abc")
            })
        },
    ),
    attack("version-beyond-2-to-the-53", "well-formed", |fixture| {
        fixture.say("timestamp", |said| {
            said["version"] = json!(18_446_744_073_709_551_615_u64)
        })
    }),
    attack(
        "endless-timestamp",
        "timestamp.json is longer than the 16384 bytes",
        |fixture| fixture.tamper("timestamp.json", |bytes| bytes.resize(4 << 20, b' ')),
    ),
    attack(
        "endless-root",
        "root.json is longer than the 512000 bytes",
        |fixture| {
            fixture
                .rotate(&keys_of("root"), |_| {})
                .tamper("2.root.json", |bytes| bytes.resize(4 << 20, b' '))
        },
    ),
    // The channel manifest.
    attack(
        "channel-manifest-of-another-channel",
        "that of channel beta",
        |fixture| fixture.say("stable.json", |channel| channel["channel"] = json!("beta")),
    ),
    attack(
        "channel-manifest-of-an-unknown-format",
        "format 2",
        |fixture| fixture.say("stable.json", |channel| channel["format"] = json!(2)),
    ),
    attack(
        "bundle-length-differs-from-its-target",
        "length",
        |fixture| {
            fixture.say("stable.json", |channel| {
                release(channel)["bundle"]["length"] = json!(999_999)
            })
        },
    ),
    attack("bundle-hash-differs-from-its-target", "hash", |fixture| {
        fixture.say("stable.json", |channel| {
            release(channel)["bundle"]["sha256"] = json!("0".repeat(64))
        })
    }),
    attack("bundle-not-among-the-targets", "stable-1.1.0", |fixture| {
        fixture.say("stable", |said| {
            said["targets"]
                .as_object_mut()
                .unwrap()
                .retain(|name, _| name == "stable.json")
        })
    }),
];

fn release(channel: &mut Value) -> &mut Value {
    &mut channel["releases"][0]
}

fn some_target() -> Value {
    json!({"length": 1, "hashes": {"sha256": "0".repeat(64)}})
}
