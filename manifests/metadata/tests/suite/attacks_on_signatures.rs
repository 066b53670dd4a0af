//! Attacks that real implementations fell to, on keys, signatures and thresholds: one test for each, by its name.

use firstlayer_metadata::Error;
use serde_json::{Value, json};

use crate::printer::Printer;
use crate::repository::{Repository, sign_file, signers};

fn sign_twice(file: &mut Value) {
    let first = file["signatures"][0].clone();
    file["signatures"].as_array_mut().unwrap().push(first);
}

/// Lists the first signature once more, under another keyid.
fn sign_again_as(keyid: &'static str) -> impl Fn(&mut Value) {
    move |file| {
        let mut second = file["signatures"][0].clone();
        second["keyid"] = keyid.into();
        file["signatures"].as_array_mut().unwrap().push(second);
    }
}

/// Gives the only key of a role a second id, and a threshold of two.
fn double_key(role: &mut Value, keys: &mut Value) {
    let key = keys[role["keyids"][0].as_str().unwrap()].clone();
    keys["second-id"] = key;
    role["keyids"]
        .as_array_mut()
        .unwrap()
        .push("second-id".into());
    role["threshold"] = 2.into();
}

#[test]
fn duplicate_signatures_meeting_a_threshold_of_a_top_level_role() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.set_keys("timestamp", 2, &["timestamp-1", "timestamp-2"]);
    repository.publish_root();
    repository
        .signers
        .insert("timestamp".into(), signers(&["timestamp-1"]));
    repository.alter_file("timestamp", sign_twice);
    repository.publish();
    assert_refused!(printer.refresh(&repository), Error::DuplicateSignature { role, .. } if role.as_str() == "timestamp");
}

#[test]
fn duplicate_signatures_meeting_a_threshold_of_a_delegated_role() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate_to_keys(
        "targets",
        "stable",
        &["*"],
        true,
        2,
        &["stable-1", "stable-2"],
    );
    repository
        .signers
        .insert("stable".into(), signers(&["stable-1"]));
    repository.alter_file("stable", sign_twice);
    repository.publish();
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::DuplicateSignature { role, .. } if role.as_str() == "stable"
    );
}

#[test]
fn the_same_key_under_several_ids_in_root() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.alter("root", |signed| {
        let (mut roles, mut keys) = (signed["roles"].take(), signed["keys"].take());
        double_key(&mut roles["timestamp"], &mut keys);
        (signed["roles"], signed["keys"]) = (roles, keys);
    });
    repository.publish_root();
    repository.alter_file("timestamp", sign_again_as("second-id"));
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Threshold {
            have: 1,
            need: 2,
            ..
        }
    );
}

#[test]
fn the_same_key_under_several_ids_in_delegations() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.delegate("targets", "stable", &["*"], true);
    repository.alter("targets", |signed| {
        let mut delegations = signed["delegations"].take();
        let mut keys = delegations["keys"].take();
        double_key(&mut delegations["roles"][0], &mut keys);
        delegations["keys"] = keys;
        signed["delegations"] = delegations;
    });
    repository.alter_file("stable", sign_again_as("second-id"));
    repository.publish();
    assert_refused!(
        printer.find(&repository, "stable.json"),
        Error::Threshold {
            have: 1,
            need: 2,
            ..
        }
    );
}

#[test]
fn a_threshold_that_is_zero_or_negative_in_root() {
    for threshold in [json!(0), json!(-1), json!("1"), json!(null)] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.alter("root", move |signed| {
            signed["roles"]["timestamp"]["threshold"] = threshold.clone()
        });
        repository.publish_root();
        assert_refused!(printer.refresh(&repository), Error::Malformed { .. });
    }
}

#[test]
fn a_threshold_that_is_zero_or_negative_in_delegations() {
    for threshold in [json!(0), json!(-1)] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        repository.delegate("targets", "stable", &["*"], true);
        repository.alter("targets", move |signed| {
            signed["delegations"]["roles"][0]["threshold"] = threshold.clone();
        });
        repository.alter_file("stable", |file| file["signatures"] = json!([]));
        repository.publish();
        assert_refused!(
            printer.find(&repository, "stable.json"),
            Error::Malformed { .. }
        );
    }
}

#[test]
fn the_new_roots_own_threshold_unchecked() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.set_keys("root", 2, &["new-1", "new-2"]);
    repository.alter_file("root", |file| {
        sign_file(file, &signers(&["root-1", "root-2", "new-1"]))
    });
    repository.publish_root();
    assert_refused!(
        printer.refresh(&repository),
        Error::Threshold {
            have: 1,
            need: 2,
            ..
        }
    );
}

#[test]
fn the_old_roots_threshold_unchecked() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    repository.set_keys("root", 1, &["new-1"]);
    repository.alter_file("root", |file| {
        sign_file(file, &signers(&["root-1", "new-1"]))
    });
    repository.publish_root();
    assert_refused!(
        printer.refresh(&repository),
        Error::Threshold {
            have: 1,
            need: 2,
            ..
        }
    );
}

#[test]
fn ed25519_keys_of_the_wrong_length() {
    for public in [
        "",
        "00",
        &"00".repeat(31),
        &"00".repeat(33),
        "zz",
        &"é".repeat(32),
    ] {
        let mut repository = Repository::new();
        let printer = Printer::new(&repository);
        let public = public.to_owned();
        repository.alter("root", move |signed| {
            let keyid = signed["roles"]["timestamp"]["keyids"][0]
                .as_str()
                .unwrap()
                .to_owned();
            signed["keys"][keyid]["keyval"]["public"] = public.clone().into();
        });
        repository.publish_root();
        assert_refused!(
            printer.refresh(&repository),
            Error::Threshold {
                have: 0,
                need: 1,
                ..
            }
        );
    }
}

#[test]
fn a_key_of_small_order_that_every_signature_fits() {
    let mut repository = Repository::new();
    let printer = Printer::new(&repository);
    // The neutral element as the key, and as R with S = 0: the plain check of ed25519 accepts this for any message.
    let neutral = format!("01{}", "00".repeat(31));
    let (key, signature) = (neutral.clone(), format!("{neutral}{}", "00".repeat(32)));
    repository.alter("root", move |signed| {
        let keyid = signed["roles"]["timestamp"]["keyids"][0]
            .as_str()
            .unwrap()
            .to_owned();
        signed["keys"][keyid]["keyval"]["public"] = key.clone().into();
    });
    repository.publish_root();
    repository.alter_file("timestamp", move |file| {
        file["signatures"][0]["sig"] = signature.clone().into()
    });
    repository.publish();
    assert_refused!(
        printer.refresh(&repository),
        Error::Threshold {
            have: 0,
            need: 1,
            ..
        }
    );
}
