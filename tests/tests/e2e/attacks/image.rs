//! Attacks on the bundle and the image in it.

use std::io::Write;

use firstlayer_bundle::Sha256;
use firstlayer_tests::fixture::{Bundle, entry, noise};
use serde_json::{Value, json};
use zstd::stream::raw::CParameter;

use super::{Attack, attack};

pub(super) const ATTACKS: &[Attack] = &[
    // The served file is not the signed one.
    attack(
        "frame-replaced-after-signing",
        "stored bytes do not have the hash",
        |fixture| {
            fixture.tamper(".bundle", |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            })
        },
    ),
    attack(
        "last-byte-replaced-after-signing",
        "stored bytes do not have the hash",
        |fixture| {
            fixture.tamper(".bundle", |bytes| {
                let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
                bytes[last] ^= 1;
            })
        },
    ),
    attack(
        "manifest-replaced-after-signing",
        "manifest is not the one that was signed",
        |fixture| {
            fixture.tamper(".bundle", |bytes| {
                let version = bytes
                    .windows(5)
                    .position(|window| window == b"1.1.0")
                    .unwrap();
                bytes[version] = b'9';
            })
        },
    ),
    attack(
        "bundle-cut",
        "it was changed on the server or on the way",
        |fixture| fixture.tamper(".bundle", |bytes| bytes.truncate(700)),
    ),
    // Hostile archives, validly signed.
    attack(
        "pax-header-before-the-manifest",
        "tar header for manifest.json differs",
        |fixture| fixture.bundle(|bundle| bundle.before = pax("size=1")),
    ),
    attack(
        "ustar-size-differs-from-the-manifest",
        "tar header for manifest.json differs from the only one allowed, in its size",
        |fixture| fixture.bundle(|bundle| bundle.manifest_header = |header| header.set_size(1)),
    ),
    attack(
        "symlink-in-place-of-the-manifest",
        "in its typeflag",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.manifest_header = |header| header.set_entry_type(tar::EntryType::Symlink)
            })
        },
    ),
    attack(
        "device-in-place-of-the-manifest",
        "in its typeflag",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.manifest_header = |header| header.set_entry_type(tar::EntryType::Block)
            })
        },
    ),
    attack("set-uid-on-the-manifest", "in its mode", |fixture| {
        fixture.bundle(|bundle| bundle.manifest_header = |header| header.set_mode(0o4755))
    }),
    attack(
        "pax-header-before-the-payload",
        "do not add up to its length",
        |fixture| fixture.bundle(|bundle| bundle.between = pax("path=../../etc/passwd")),
    ),
    attack(
        "entry-smuggled-before-the-payload",
        "do not add up to its length",
        |fixture| {
            fixture.bundle(|bundle| bundle.between = entry("install.sh", b"#!/bin/sh\n", |_| {}))
        },
    ),
    attack(
        "entry-smuggled-after-the-end",
        "do not add up to its length",
        |fixture| {
            fixture.bundle(|bundle| bundle.after = entry("install.sh", b"#!/bin/sh\n", |_| {}))
        },
    ),
    // Hostile manifests, validly signed.
    attack(
        "script-among-the-payloads",
        "exactly the payload `root`",
        |fixture| {
            fixture.bundle(|bundle| {
                let mut script = bundle.payload().clone();
                script["name"] = json!("preinstall");
                bundle.manifest["payloads"]
                    .as_array_mut()
                    .unwrap()
                    .insert(0, script);
                bundle.between = entry("preinstall.zst", &bundle.frames.concat(), |_| {});
            })
        },
    ),
    attack("path-as-payload-name", "not of the form", |fixture| {
        fixture.bundle(|bundle| bundle.payload()["name"] = json!("../../etc/passwd"))
    }),
    attack(
        "manifest-with-an-unknown-field",
        "not of the form",
        |fixture| fixture.bundle(|bundle| bundle.manifest["run_first"] = json!("install.sh")),
    ),
    attack(
        "image-length-over-the-limit",
        "an image's length",
        |fixture| fixture.bundle(|bundle| bundle.payload()["length"] = json!((1_u64 << 53) - 1)),
    ),
    attack(
        "image-length-overflows-32-bits",
        "an image has the length of its frames together",
        |fixture| {
            fixture.bundle(|bundle| {
                let length = bundle.payload()["length"].as_u64().unwrap() + (1 << 32) - 30_000;
                bundle.payload()["length"] = json!(length);
            })
        },
    ),
    attack(
        "image-of-another-hash",
        "another image than its manifest promises",
        |fixture| {
            fixture
                .bundle(|bundle| bundle.payload()["sha256"] = json!(Sha256::of(b"another image")))
        },
    ),
    attack("image-larger-than-its-slot", "slot", |fixture| {
        fixture.contents(|contents| {
            contents.image = vec![0; 40 << 20];
            contents.frame_length = 4 << 20;
        })
    }),
    attack("manifest-of-another-board", "board", |fixture| {
        fixture.bundle(|bundle| bundle.manifest["board"] = json!("virt-riscv64"))
    }),
    attack(
        "manifest-of-another-version",
        "another release than the channel says",
        |fixture| fixture.bundle(|bundle| bundle.manifest["version"] = json!("9.9.9")),
    ),
    attack(
        "manifest-of-another-counter",
        "another release than the channel says",
        |fixture| fixture.bundle(|bundle| bundle.manifest["counter"] = json!(99)),
    ),
    attack("release-for-another-board", "nothing-fits", |fixture| {
        fixture.contents(|contents| contents.board = "virt-riscv64".parse().unwrap())
    }),
    attack(
        "release-with-a-lower-counter",
        "counter is lower",
        |fixture| fixture.contents(|contents| contents.counter = 1),
    ),
    // Hostile frames, validly signed.
    attack("compression-bomb", "zstd frame header", |fixture| {
        fixture.bundle(|bundle| {
            bundle.replace_frame(0, zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap())
        })
    }),
    attack("oversized-window", "zstd frame header", |fixture| {
        fixture.bundle(|bundle| bundle.replace_frame(0, with_window_of_128_mib(&[0; 4096])))
    }),
    attack(
        "frame-larger-stored-than-raw",
        "a frame's stored length",
        |fixture| fixture.bundle(|bundle| bundle.replace_frame(0, vec![0; 1 << 20])),
    ),
    attack(
        "frame-raw-length-over-the-limit",
        "a frame's length",
        |fixture| fixture.bundle(|bundle| frame(bundle)["length"] = json!(1_u64 << 32)),
    ),
    attack(
        "two-frames-in-place-of-one",
        "not exactly one zstd frame",
        |fixture| {
            fixture.bundle(|bundle| {
                let twice = [
                    bundle.frames[0].clone(),
                    zstd::bulk::compress(b"", 1).unwrap(),
                ]
                .concat();
                bundle.replace_frame(0, twice);
            })
        },
    ),
    attack("frame-of-noise", "zstd", |fixture| {
        fixture.bundle(|bundle| {
            let length = bundle.frames[0].len();
            bundle.replace_frame(0, noise("no zstd", length));
        })
    }),
    // Deltas.
    attack(
        "delta-on-an-unknown-base",
        "needs a base image",
        |fixture| fixture.bundle(|bundle| bundle.payload()["base"] = base(1 << 20)),
    ),
    attack(
        "delta-reference-outside-its-base",
        "a reference lies within",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.payload()["base"] = base(1 << 20);
                frame(bundle)["reference"] = json!({"offset": u64::MAX, "length": 4096});
            })
        },
    ),
    attack(
        "delta-reference-over-the-limit",
        "a reference's length",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.payload()["base"] = base(1 << 30);
                frame(bundle)["reference"] = json!({"offset": 0, "length": 1 << 29});
            })
        },
    ),
    // Lies that change nothing of the image, and that the strict reader refuses all the same.
    attack(
        "ustar-size-differs-from-the-payload",
        "tar header for root.zst differs from the only one allowed, in its size",
        |fixture| fixture.bundle(|bundle| bundle.payload_header = |header| header.set_size(1)),
    ),
    attack(
        "hard-link-in-place-of-the-payload",
        "in its typeflag",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.payload_header = |header| header.set_entry_type(tar::EntryType::Link)
            })
        },
    ),
    attack(
        "device-in-place-of-the-payload",
        "in its typeflag",
        |fixture| {
            fixture.bundle(|bundle| {
                bundle.payload_header = |header| header.set_entry_type(tar::EntryType::Char)
            })
        },
    ),
    attack(
        "frame-of-other-bytes",
        "decompresses to other bytes",
        |fixture| {
            fixture.bundle(|bundle| frame(bundle)["sha256"] = json!(Sha256::of(b"other bytes")))
        },
    ),
];

fn frame(bundle: &mut Bundle) -> &mut Value {
    &mut bundle.payload()["frames"][0]
}

fn base(length: u64) -> Value {
    json!({"length": length, "sha256": Sha256::of(b"base")})
}

fn pax(record: &str) -> Vec<u8> {
    let line = format!("{} {record}\n", record.len() + 4);
    entry("PaxHeaders/manifest.json", line.as_bytes(), |header| {
        header.set_entry_type(tar::EntryType::XHeader);
    })
}

fn with_window_of_128_mib(raw: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.set_parameter(CParameter::WindowLog(27)).unwrap();
    // Streamed in two parts and without a stated size, so that the header carries the window.
    encoder.write_all(raw).unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}
