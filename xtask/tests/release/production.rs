//! Production: an anchor that was agreed on, keys with a passphrase of their own, a tag.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{Expires, PublicKey, RoleKeys, Root, RootRoles};
use firstlayer_signers::{
    KeyDirectory, KeyEnvironment, KeySource, Passphrase, RoleConfig, RolesConfig,
};
use jiff::SignedDuration;
use xtask::release::Environment;

use crate::child::{be_the_child, child};
use crate::workshop::{Workshop, make_key};

const PASSPHRASE: &str = "correct horse battery staple";

fn workshop() -> Workshop {
    let mut workshop = Workshop::new();
    workshop.environment = Environment::Production;
    let text = fs::read_to_string(workshop.root.join("keys/roles.toml")).unwrap();
    let roles = RolesConfig::parse("keys/roles.toml", &text).unwrap();
    for name in roles.roles().flat_map(|(_, role)| &role.keys) {
        make_key(workshop.keys().as_std_path(), name.as_str(), PASSPHRASE);
    }
    let anchor = anchor(&workshop, &roles);
    fs::write(workshop.root.join("keys/roots/1.root.json"), anchor).unwrap();
    workshop.commit("the production anchor");
    workshop.git(&["tag", "v0.1.0"]);
    workshop
}

/// What a root ceremony makes.
fn anchor(workshop: &Workshop, roles: &RolesConfig) -> Vec<u8> {
    let directory = KeyDirectory::new(workshop.keys().as_std_path());
    let keys = KeySource::new(
        KeyEnvironment::default(),
        directory,
        Some(Passphrase::new(PASSPHRASE.to_owned())),
    );
    let mut all = Vec::new();
    let mut held_by = |role: &RoleConfig| {
        let public: Vec<PublicKey> = role
            .keys
            .iter()
            .map(|name| keys.public_key(name).unwrap())
            .collect();
        let ids = public.iter().map(PublicKey::key_id).collect();
        all.extend(public);
        RoleKeys::new(role.threshold as u64, ids).unwrap()
    };
    let held = RootRoles {
        root: held_by(&roles.root),
        timestamp: held_by(&roles.timestamp),
        snapshot: held_by(&roles.snapshot),
        targets: held_by(&roles.targets),
    };
    let expires = workshop
        .now
        .checked_add(SignedDuration::from_hours(24 * 365))
        .unwrap();
    let mut draft = Draft::root(Root::new(1, Expires::at(expires), all, held), None).unwrap();
    for name in roles.root.keys.iter().take(2) {
        draft.sign_with(&keys.signer(name).unwrap()).unwrap();
    }
    draft.finish().unwrap()
}

fn release(workshop: &Workshop, test: &str, passphrase: &str) -> (bool, String) {
    let output = child(workshop, test, "")
        .env("FIRSTLAYER_PASSPHRASE", passphrase)
        .stderr(Stdio::piped())
        .output();
    let output = output.unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_tagged_commit_is_released_with_production_keys() {
    if be_the_child() {
        return;
    }
    let workshop = workshop();
    let test = "production::a_tagged_commit_is_released_with_production_keys";
    let (released, said) = release(&workshop, test, PASSPHRASE);
    assert!(released, "{said}");
    let status = workshop.status();
    assert!(!status.development);
    assert_eq!(status.channels[0].releases[0].version.to_string(), "0.1.0");
    workshop.assert_in_order();

    let commit = status.channels[0].releases[0].commit.clone().unwrap();
    assert_eq!(commit.as_str(), workshop.git(&["rev-parse", "HEAD"]).trim());

    // The same version from another commit: made in the same second, then later; and a version that is lower.
    workshop.amend("the production anchor, in other words");
    workshop.git(&["tag", "--force", "v0.1.0"]);
    let (released, said) = release(&workshop, test, PASSPHRASE);
    assert!(
        !released && said.contains("version 0.1.0 is published already, from another commit"),
        "{said}"
    );
    workshop.commit("another commit");
    workshop.git(&["tag", "--force", "v0.1.0"]);
    let (released, said) = release(&workshop, test, PASSPHRASE);
    assert!(
        !released && said.contains("version 0.1.0 is published already, from another commit"),
        "{said}"
    );
    workshop.set_version("0.0.9");
    workshop.commit("a lower version");
    workshop.git(&["tag", "v0.0.9"]);
    let (released, said) = release(&workshop, test, PASSPHRASE);
    assert!(!released && said.contains("is lower than 0.1.0"), "{said}");
}

#[test]
fn helpers_never_see_what_unlocks_the_keys() {
    if be_the_child() {
        return;
    }
    let workshop = workshop();
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    for program in ["git", "cargo"] {
        let file = folder.path().join(program);
        let script = format!(
            "#!/bin/sh\ntouch '{}'\nif env | grep -q '^FIRSTLAYER_'; then echo saw it >&2; exit 9; fi\nPATH='{path}' exec {program} \"$@\"\n",
            file.with_extension("ran").display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let test = "production::helpers_never_see_what_unlocks_the_keys";
    let output = child(&workshop, test, "")
        .env("FIRSTLAYER_PASSPHRASE", PASSPHRASE)
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .env("CARGO", folder.path().join("cargo"))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for program in ["git.ran", "cargo.ran"] {
        assert!(folder.path().join(program).exists(), "{program}");
    }
}

#[test]
fn a_wrong_passphrase_publishes_nothing_and_is_not_told() {
    if be_the_child() {
        return;
    }
    let workshop = workshop();
    let test = "production::a_wrong_passphrase_publishes_nothing_and_is_not_told";
    let (released, said) = release(&workshop, test, "hunter2");
    assert!(
        !released && said.contains("cannot be unlocked: a wrong passphrase"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    assert!(
        !Path::new(workshop.repository().as_str())
            .join("metadata/timestamp.json")
            .exists()
    );
}
