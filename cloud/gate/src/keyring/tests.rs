use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::printer::Said;

const NOW: &str = "2026-11-26T04:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn printer(serial: &str, version: &str) -> Printer {
    let said = serde_json::json!({
        "serial": serial, "model": "first-mini", "version": version, "channel": "stable",
    });
    let said: Said = serde_json::from_value(said).unwrap();
    said.printer().unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> DeviceKey {
    DeviceKey::from_bytes(key.verifying_key().as_bytes()).unwrap()
}

fn signed(mut printer: Printer, key: &SigningKey, time: &str) -> Printer {
    let signature = key.sign(canonical(&printer, time).as_bytes()).to_bytes();
    printer.proof = Some(Proof {
        time: time.to_owned(),
        signature,
    });
    printer
}

/// A ring with the key of FL-1.
fn ring() -> Keyring {
    let ring = Keyring::new(SignedDuration::from_secs(300));
    ring.add(&"FL-1".parse().unwrap(), public(&key(1)));
    ring
}

#[test]
fn a_report_is_signed_claimed_or_unproven() {
    let ring = ring();
    let report = |printer: &Printer| ring.judge(printer, now());
    let own = signed(printer("FL-1", "1.4.0"), &key(1), NOW);
    assert_eq!(report(&own), Report::Signed);
    assert_eq!(report(&printer("FL-1", "1.4.0")), Report::Unproven);
    assert_eq!(report(&printer("FL-2", "1.4.0")), Report::Claimed);
    let stranger = signed(printer("FL-1", "1.4.0"), &key(2), NOW);
    assert_eq!(report(&stranger), Report::Unproven);
}

#[test]
fn a_signature_moved_to_another_version_proves_nothing() {
    let mut lifted = signed(printer("FL-1", "1.2.0"), &key(1), NOW);
    lifted.version = "1.4.0".parse().unwrap();
    assert_eq!(ring().judge(&lifted, now()), Report::Unproven);
}

#[test]
fn a_report_recorded_long_ago_or_dated_ahead_proves_nothing() {
    for time in ["2026-11-26T03:54:59Z", "2026-11-26T04:05:01Z", "yesterday"] {
        let old = signed(printer("FL-1", "1.4.0"), &key(1), time);
        assert_eq!(ring().judge(&old, now()), Report::Unproven, "{time}");
    }
}

#[test]
fn a_report_played_back_after_a_later_one_proves_nothing() {
    let ring = ring();
    let recorded = signed(printer("FL-1", "1.2.0"), &key(1), "2026-11-26T03:58:00Z");
    let later = signed(printer("FL-1", "1.4.0"), &key(1), "2026-11-26T03:59:00Z");
    assert_eq!(ring.judge(&recorded, now()), Report::Signed);
    assert_eq!(ring.judge(&later, now()), Report::Signed);
    assert_eq!(ring.judge(&later, now()), Report::Signed);
    assert_eq!(ring.judge(&recorded, now()), Report::Unproven);
}
