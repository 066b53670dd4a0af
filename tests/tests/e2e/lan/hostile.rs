//! Hours of hostile traffic in compressed form: the owner's client goes on working, and memory stays in its bound.

use std::process::Command;
use std::time::Duration;

use firstlayer_tests::clients::python_with;
use firstlayer_tests::device::{OWNER, client_script};
use firstlayer_tests::owner::{Owner, USUAL};
use firstlayer_tests::process::Process;
use firstlayer_tests::{plate, skip};
use serde_json::json;

use super::on_host;

/// The service's promise.
const MEMORY: u64 = 24 << 20;
/// Longer than every attack takes.
const LIMIT: Duration = Duration::from_secs(600);

const ATTACKS: [&str; 6] = [
    "half-open",
    "slow-loris",
    "wrong-codes",
    "fuzzed-mqtt",
    "fuzzed-ftp",
    "clear-text",
];

#[test]
fn attackers_do_not_keep_the_owner_out() {
    on_host(|mut device| {
        let python = match python_with("plain", &[]) {
            Ok(python) => python,
            Err(reason) => skip!("{reason}"),
        };
        let mut owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let file = plate::file(device.folder(), "small.bin", &plate::noise(100_000));
        owner.upload(&file, "cache/small.bin");
        for attack in ATTACKS {
            let mut client = Command::new(&python);
            client.arg(client_script("hostile.py")).args([
                attack,
                &OWNER.to_string(),
                &device.access_code(),
            ]);
            let mut attacker = Process::spawn(&mut device.network().inside(&client));
            let begun = attacker.wait_for_output(LIMIT, |line| line == "at it");
            assert!(
                begun.is_some(),
                "{attack} did not begin: {}",
                attacker.finish(LIMIT)
            );
            // In the middle of it: an open connection, a new one, and an upload.
            owner.must("info", json!({"command": "get_version"}));
            owner.upload(&file, "cache/small.bin");
            let output = attacker.finish(LIMIT).expect_success(attack);
            owner.must("info", json!({"command": "get_version"}));
            let (now, most) = device.memory();
            assert!(
                most <= MEMORY,
                "{attack}: {most} bytes of memory, {now} now"
            );
            firstlayer_tests::skip::note(&format!(
                "{attack}: {}, memory {} KiB, at most {} KiB",
                output.stdout.lines().last().unwrap_or_default(),
                now >> 10,
                most >> 10
            ));
        }
        let ended = device.stop();
        assert_eq!(ended.code, Some(0), "{ended}");
        assert!(!ended.stderr.contains("panicked"), "{ended}");
    });
}
