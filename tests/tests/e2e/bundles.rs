//! A bundle is a plain tar of zstd frames for everybody's tools.

use std::process::Command;

use firstlayer_bundle::Sha256;
use firstlayer_tests::fixture::BOARDS;
use firstlayer_tests::printer::LIMIT;
use firstlayer_tests::process::run_ok;
use firstlayer_tests::release::published;
use firstlayer_tests::skip;
use firstlayer_tests::workshop::on_path;

#[test]
fn tar_lists_a_bundle_and_zstd_restores_its_image() {
    let (Some(tar), Some(zstd)) = (on_path("tar"), on_path("zstd")) else {
        skip!("no tar or no zstd on PATH");
    };
    let folder = tempfile::tempdir().unwrap();
    for board in BOARDS {
        let release = published().newest(board);
        let bundle = published().target_path(release["bundle"]["target"].as_str().unwrap());
        let listed = run_ok(Command::new(&tar).arg("tf").arg(&bundle), LIMIT).stdout;
        assert_eq!(listed, "manifest.json\nroot.zst\n");
        run_ok(
            Command::new(&tar)
                .arg("xf")
                .arg(&bundle)
                .arg("-C")
                .arg(folder.path()),
            LIMIT,
        );
        run_ok(
            Command::new(&zstd)
                .args(["-d", "-q", "-f", "root.zst", "-o", "root.img"])
                .current_dir(folder.path()),
            LIMIT,
        );
        let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
        assert_eq!(
            Sha256::of(&manifest).to_string(),
            release["bundle"]["manifest"]["sha256"]
        );
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let image = std::fs::read(folder.path().join("root.img")).unwrap();
        assert_eq!(
            Sha256::of(&image).to_string(),
            manifest["payloads"][0]["sha256"]
        );
        // The image is a root tree with the firmware in it.
        let tree = run_ok(
            Command::new(&tar)
                .arg("tf")
                .arg(folder.path().join("root.img")),
            LIMIT,
        )
        .stdout;
        assert!(
            tree.lines().any(|path| path == "usr/sbin/printerd"),
            "{tree}"
        );
    }
}
