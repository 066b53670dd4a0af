//! Bytes that went bad between making and publishing, or afterwards: no client sees them, and no later run calls them fine.

use std::fs;
use std::io::{self, Read};

use camino::Utf8Path;
use xtask::repository::{Disk, RealDisk};

use crate::workshop::Workshop;

/// A disk that stores one wrong bit in each bundle, and says nothing.
struct Lying;

impl Disk for Lying {
    fn write(&self, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        if path.as_str().contains(".bundle") {
            spoil(&mut bytes);
        }
        RealDisk.write(path, &mut bytes.as_slice())
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn sync(&self, folder: &Utf8Path) -> io::Result<()> {
        RealDisk.sync(folder)
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

fn spoil(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

#[test]
fn a_bundle_that_the_disk_spoils_is_never_seen_by_a_client() {
    let workshop = Workshop::new();
    let error = format!("{:#}", workshop.release_on(&Lying).unwrap_err());
    assert!(error.contains("no client has seen it"), "{error}");
    let metadata = workshop.repository().join("metadata");
    assert!(!metadata.join("timestamp.json").exists());
    assert!(!metadata.join("1.root.json").exists());
    workshop.release().unwrap();
    workshop.assert_in_order();
}

#[test]
fn a_run_that_finds_its_release_published_and_spoilt_says_so() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let targets = workshop.repository().join("targets");
    let mut names = targets.read_dir_utf8().unwrap().map(Result::unwrap);
    let bundle = names
        .find(|entry| entry.file_name().ends_with(".bundle"))
        .unwrap();
    let mut bytes = fs::read(bundle.path()).unwrap();
    spoil(&mut bytes);
    fs::write(bundle.path(), bytes).unwrap();
    let error = workshop.problems();
    assert!(error.contains("a printer would refuse it"), "{error}");
}
