//! Attacks on who signs what, and on which version is the newest.

use firstlayer_tests::fixture::{EXPIRED, Fixture, Key, keys_of, role_keys};
use serde_json::{Value, json};

use super::{Attack, after, attack};

pub(super) const ATTACKS: &[Attack] = &[
    // Signatures and keys.
    attack(
        "duplicate-signature-top-level",
        "carries two signatures of key",
        |fixture| fixture.envelope("targets", sign_twice_with_one_key),
    ),
    attack(
        "duplicate-signature-delegated",
        "stable carries two signatures of key",
        |fixture| fixture.envelope("stable", sign_twice_with_one_key),
    ),
    attack(
        "one-key-under-two-ids-top-level",
        "targets has 1 of the 2 valid signatures",
        |fixture| {
            let keys = two_faces_of("targets-1");
            fixture
                .rotate(&keys_of("root"), |root| {
                    name_in_root(root, "targets", &two_faces_of("targets-1"), 2)
                })
                .signed_by("targets", keys)
        },
    ),
    attack(
        "one-key-under-two-ids-delegated",
        "stable has 1 of the 2 valid signatures",
        |fixture| {
            let keys = two_faces_of("stable-1");
            fixture
                .say("targets", |said| {
                    name_in_delegation(said, &two_faces_of("stable-1"), 2)
                })
                .signed_by("stable", keys)
        },
    ),
    attack(
        "too-few-signatures",
        "stable has 1 of the 2 valid signatures",
        |fixture| fixture.signed_by("stable", [Key::named("stable-1")]),
    ),
    attack(
        "signed-by-strangers",
        "stable has 0 of the 2 valid signatures",
        |fixture| {
            fixture.signed_by(
                "stable",
                [Key::named("stranger-1"), Key::named("stranger-2")],
            )
        },
    ),
    attack(
        "signature-of-other-bytes",
        "timestamp has 0 of the 1 valid signatures",
        |fixture| {
            fixture.envelope("timestamp", |file| {
                file["signed"]["x-added"] = json!("after signing")
            })
        },
    ),
    attack("threshold-zero", "root is not well-formed", |fixture| {
        fixture
            .rotate(&keys_of("root"), |root| {
                root["roles"]["timestamp"]["threshold"] = json!(0)
            })
            .signed_by("timestamp", [])
    }),
    attack(
        "threshold-negative-delegated",
        "targets is not well-formed",
        |fixture| {
            fixture
                .say("targets", |said| delegation(said)["threshold"] = json!(-1))
                .signed_by("stable", [])
        },
    ),
    attack(
        "ed25519-key-of-31-bytes",
        "timestamp has 0 of the 1 valid signatures",
        |fixture| {
            let short = || Key::named("timestamp-1").with_object(shorten);
            fixture
                .rotate(&keys_of("root"), move |root| {
                    name_in_root(root, "timestamp", &[short()], 1)
                })
                .signed_by("timestamp", [short()])
        },
    ),
    attack(
        "ed25519-key-of-33-bytes-delegated",
        "stable has 1 of the 2 valid signatures",
        |fixture| {
            let keys = || {
                [
                    Key::named("stable-1"),
                    Key::named("stable-2").with_object(lengthen),
                ]
            };
            fixture
                .say("targets", move |said| name_in_delegation(said, &keys(), 2))
                .signed_by("stable", keys())
        },
    ),
    // Roots.
    attack(
        "root-skips-a-version",
        "root has version 3 where 2 is due",
        |fixture| fixture.rotate(&keys_of("root"), |root| root["version"] = json!(3)),
    ),
    attack(
        "new-root-not-signed-by-itself",
        "root has 0 of the 2 valid signatures",
        |fixture| {
            fixture.rotate(&keys_of("root"), |root| {
                name_in_root(root, "root", &strangers(), 2)
            })
        },
    ),
    attack(
        "new-root-not-signed-by-the-old-one",
        "root has 0 of the 2 valid signatures",
        |fixture| {
            fixture.rotate(&strangers(), |root| {
                name_in_root(root, "root", &strangers(), 2)
            })
        },
    ),
    attack(
        "new-root-below-its-own-threshold",
        "root has 2 of the 3 valid signatures",
        |fixture| {
            fixture.rotate(&keys_of("root"), |root| {
                root["roles"]["root"]["threshold"] = json!(3)
            })
        },
    ),
    after(
        "failed-root-trusted-later",
        root_of_strangers,
        "timestamp has 0 of the 1 valid signatures",
        |fixture| fixture.signed_by("timestamp", [Key::named("stranger-1")]),
    ),
    // Rollback.
    after(
        "timestamp-rolled-back",
        version_three,
        "rolls timestamp back from version 3 to 2",
        |fixture| fixture.at_version(2),
    ),
    after(
        "snapshot-rolled-back",
        version_three,
        "rolls snapshot back from version 3 to 2",
        |fixture| fixture.at_version(4).role_at("snapshot", 2),
    ),
    after(
        "targets-rolled-back",
        version_three,
        "rolls targets back from version 3 to 2",
        |fixture| fixture.at_version(4).role_at("targets", 2),
    ),
    after(
        "delegated-role-rolled-back",
        version_three,
        "rolls stable back from version 3 to 2",
        |fixture| fixture.at_version(4).role_at("stable", 2),
    ),
    after(
        "delegated-role-taken-from-snapshot",
        version_three,
        "snapshot no longer lists stable",
        |fixture| {
            fixture
                .at_version(4)
                .say("snapshot", |said| forget(&mut said["meta"], "stable.json"))
        },
    ),
    // Freshness.
    attack("root-expired", "root expired on", |fixture| {
        fixture.rotate(&keys_of("root"), expire)
    }),
    attack("timestamp-expired", "timestamp expired on", |fixture| {
        fixture.say("timestamp", expire)
    }),
    attack("snapshot-expired", "snapshot expired on", |fixture| {
        fixture.say("snapshot", expire)
    }),
    attack("targets-expired", "targets expired on", |fixture| {
        fixture.say("targets", expire)
    }),
    attack("delegated-role-expired", "stable expired on", |fixture| {
        fixture.say("stable", expire)
    }),
    // What vouches for what.
    attack(
        "delegated-role-missing-in-snapshot",
        "snapshot does not list stable",
        |fixture| fixture.say("snapshot", |said| forget(&mut said["meta"], "stable.json")),
    ),
    attack(
        "delegated-role-of-another-version",
        "stable has version 2 where 1 is due",
        |fixture| fixture.say("stable", |said| said["version"] = json!(2)),
    ),
    attack(
        "delegated-role-of-another-hash",
        "stable.json fails its signed hashes",
        |fixture| fixture.tamper("1.stable.json", swap_signatures),
    ),
    attack(
        "delegated-role-longer-than-signed",
        "stable.json is longer than",
        |fixture| fixture.tamper("1.stable.json", |bytes| bytes.push(b' ')),
    ),
    attack(
        "snapshot-of-another-hash",
        "snapshot.json fails its signed hashes",
        |fixture| {
            fixture.say("timestamp", |said| {
                said["meta"]["snapshot.json"]["hashes"]["sha256"] = json!("0".repeat(64))
            })
        },
    ),
    attack(
        "one-role-in-place-of-another",
        "timestamp is of type \"snapshot\"",
        |fixture| fixture.say("timestamp", |said| said["_type"] = json!("snapshot")),
    ),
    attack("unknown-hash-algorithm", "is not known", |fixture| {
        fixture.say("stable", |said| {
            let targets = said["targets"].as_object_mut().unwrap();
            targets
                .values_mut()
                .for_each(|target| target["hashes"] = json!({"blake9": "00"}));
        })
    }),
    attack(
        "unknown-specification",
        "timestamp follows version \"2.0.0\"",
        |fixture| fixture.say("timestamp", |said| said["spec_version"] = json!("2.0.0")),
    ),
    attack(
        "terminating-delegation-passed-over",
        "stable.json",
        |fixture| {
            fixture.published_by("beta").say("targets", |said| {
                let beta = &mut said["delegations"]["roles"][1];
                beta["paths"] = json!(["stable.json", "stable-*"]);
            })
        },
    ),
    attack(
        "signed-by-a-role-it-was-not-delegated-to",
        "stable.json",
        |fixture| fixture.published_by("beta"),
    ),
    attack(
        "beta-key-signs-for-stable",
        "stable has 0 of the 2 valid signatures",
        |fixture| fixture.signed_by("stable", keys_of("beta")),
    ),
];

fn version_three(fixture: Fixture) -> Fixture {
    fixture.at_version(3)
}

/// A root that the old keys did not sign and that names a stranger's timestamp key.
fn root_of_strangers(fixture: Fixture) -> Fixture {
    let stranger = || Key::named("stranger-1");
    fixture
        .rotate(&strangers(), move |root| {
            name_in_root(root, "timestamp", &[stranger()], 1)
        })
        .signed_by("timestamp", [stranger()])
}

fn strangers() -> [Key; 2] {
    [Key::named("stranger-1"), Key::named("stranger-2")]
}

fn two_faces_of(name: &str) -> [Key; 2] {
    let key = Key::named(name);
    [
        key.with_object(|object| object["x-disguise"] = json!("moustache")),
        key,
    ]
}

fn shorten(object: &mut Value) {
    let public = object["keyval"]["public"].as_str().unwrap();
    object["keyval"]["public"] = json!(public[..62]);
}

fn lengthen(object: &mut Value) {
    let public = object["keyval"]["public"].as_str().unwrap();
    object["keyval"]["public"] = json!(format!("{public}00"));
}

fn sign_twice_with_one_key(file: &mut Value) {
    file["signatures"][1] = file["signatures"][0].clone();
}

/// The same signatures in another order: as long and as valid as before, but not the bytes that were vouched for.
fn swap_signatures(bytes: &mut Vec<u8>) {
    let mut file: Value = serde_json::from_slice(bytes).unwrap();
    file["signatures"].as_array_mut().unwrap().reverse();
    *bytes = serde_json::to_vec(&file).unwrap();
}

fn name_in_root(root: &mut Value, role: &str, keys: &[Key], threshold: usize) {
    root["roles"][role] = role_keys(keys, threshold);
    keys.iter()
        .for_each(|key| root["keys"][key.id()] = key.object());
}

fn name_in_delegation(targets: &mut Value, keys: &[Key], threshold: usize) {
    let named = role_keys(keys, threshold);
    for member in ["keyids", "threshold"] {
        delegation(targets)[member] = named[member].clone();
    }
    keys.iter()
        .for_each(|key| targets["delegations"]["keys"][key.id()] = key.object());
}

/// The delegation to `stable`.
fn delegation(targets: &mut Value) -> &mut Value {
    &mut targets["delegations"]["roles"][0]
}

fn expire(said: &mut Value) {
    said["expires"] = json!(EXPIRED);
}

fn forget(object: &mut Value, member: &str) {
    object.as_object_mut().unwrap().remove(member);
}
