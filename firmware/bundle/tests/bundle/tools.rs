//! The programs that people have: GNU `tar` and `zstd` read a bundle with no help from us.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate opens no file and starts no program, but people's programs do"
)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::support::{bundle, options};

/// `None`, and a word about it, where the program is missing.
fn run(script: &str, folder: &Path) -> Option<Output> {
    let missing = ["tar", "zstd"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        println!(
            "skipped 1: `{script}` needs the program {program}, which this machine does not have"
        );
        return None;
    }
    Some(
        Command::new("sh")
            .args(["-ec", script])
            .current_dir(folder)
            .output()
            .unwrap(),
    )
}

#[test]
fn tar_lists_a_bundle_and_zstd_restores_its_payload() {
    let folder = tempfile::tempdir().unwrap();
    let image = (0..50_000_u32)
        .flat_map(|number| (number / 7).to_le_bytes())
        .collect::<Vec<_>>();
    let bundle = bundle(
        &[("kernel", b"a kernel"), ("root", &image)],
        &options(3, 2, 60_000),
    );
    fs::write(folder.path().join("x.bundle"), bundle.bytes).unwrap();
    if let Some(output) = run("tar tf x.bundle", folder.path()) {
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "manifest.json\nkernel.zst\nroot.zst\n"
        );
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
    if let Some(output) = run("tar xOf x.bundle root.zst | zstd -d", folder.path()) {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout == image);
    }
}
