//! The key files, as the real OpenSSL reads and writes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops"
)]

use std::path::Path;
use std::process::Command;

use firstlayer_metadata::Sign;
use firstlayer_signers::{
    DEVELOPMENT_PASSPHRASE, Error, KeyDirectory, KeyEnvironment, KeyName, KeySource, Passphrase,
    RolesConfig, generate_development_keys,
};

const ROLES: &str = include_str!("../../roles.toml");

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn source(folder: &Path, passphrase: &str) -> KeySource {
    let directory = KeyDirectory::new(folder);
    KeySource::new(
        KeyEnvironment::default(),
        directory,
        Some(Passphrase::new(passphrase.to_owned())),
    )
}

/// One role's keys are enough here; the others would only take time.
fn one_key_a_role() -> RolesConfig {
    let mut roles = RolesConfig::parse("roles.toml", ROLES)
        .unwrap()
        .for_development();
    roles.delegations.clear();
    for role in [&mut roles.root, &mut roles.targets] {
        role.keys.truncate(1);
    }
    roles
}

#[test]
fn openssl_reads_the_keys_that_we_make() {
    let folder = tempfile::tempdir().unwrap();
    let directory = KeyDirectory::new(folder.path());
    let roles = one_key_a_role();
    let mut made = Vec::new();
    generate_development_keys(&roles, &directory.lock().unwrap(), |name| {
        made.push(name.to_string())
    })
    .unwrap();
    assert_eq!(
        made,
        [
            "development-root-1",
            "development-targets-1",
            "development-snapshot",
            "development-timestamp"
        ]
    );

    let name = &roles.root.keys[0];
    let private = directory.private_path(name).display().to_string();
    let passphrase = format!("pass:{DEVELOPMENT_PASSPHRASE}");
    let derived = openssl(&["pkey", "-in", &private, "-passin", &passphrase, "-pubout"]);
    assert_eq!(
        derived,
        std::fs::read_to_string(directory.public_path(name)).unwrap()
    );

    let mut again = Vec::new();
    generate_development_keys(&roles, &directory.lock().unwrap(), |name| {
        again.push(name.to_string())
    })
    .unwrap();
    assert!(again.is_empty(), "made a second time: {again:?}");
}

#[test]
fn we_read_the_keys_that_openssl_makes() {
    let folder = tempfile::tempdir().unwrap();
    let private = folder.path().join("stable-1.pem").display().to_string();
    openssl(&[
        "genpkey",
        "-algorithm",
        "ed25519",
        "-aes256",
        "-pass",
        "pass:secret",
        "-out",
        &private,
    ]);
    let name: KeyName = "stable-1".parse().unwrap();
    let signer = source(folder.path(), "secret").signer(&name).unwrap();
    let signature = signer.sign(b"message").unwrap();
    assert!(signer.public_key().verifies(b"message", &signature.sig));

    let error = source(folder.path(), "wrong").signer(&name).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
}

/// What keys/roots/README.md tells the holders of production keys to type.
#[test]
fn we_read_the_keys_that_the_readme_makes() {
    let readme = include_str!("../../roots/README.md");
    let (_, commands) = readme.split_once("```sh\n").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    // A terminal asks for the passphrase; here there is none.
    let commands = commands
        .replace("-topk8", "-topk8 -passout pass:secret")
        .replace("-pubout", "-passin pass:secret -pubout");
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh")
        .args(["-euc", &commands])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(folder.path().join("root-1.pub.pem").is_file());
    let name: KeyName = "root-1".parse().unwrap();
    let signer = source(folder.path(), "secret").signer(&name).unwrap();
    let signature = signer.sign(b"message").unwrap();
    assert!(signer.public_key().verifies(b"message", &signature.sig));
}

#[test]
fn a_key_without_a_passphrase_of_its_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let private = folder.path().join("stable-1.pem").display().to_string();
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &private]);
    let error = source(folder.path(), "secret")
        .signer(&"stable-1".parse().unwrap())
        .unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
}
