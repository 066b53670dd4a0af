//! Bytes that went bad between making and publishing, or afterwards: no client sees them, and no later run calls them
//! fine. And names that a power cut could take back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};
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

/// A disk that knows which folders have new names that are not on the medium yet.
#[derive(Default)]
struct Watching {
    unsynced: RefCell<BTreeSet<Utf8PathBuf>>,
}

impl Disk for Watching {
    fn write(&self, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()> {
        let first = path.ends_with("metadata/timestamp.json.partial");
        let unsynced = self.unsynced.borrow();
        assert!(!first || unsynced.is_empty(), "too early: {unsynced:?}");
        RealDisk.write(path, content)
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        let folder = to.parent().unwrap().to_owned();
        self.unsynced.borrow_mut().insert(folder);
        RealDisk.rename(from, to)
    }

    fn sync(&self, folder: &Utf8Path) -> io::Result<()> {
        self.unsynced.borrow_mut().remove(folder);
        RealDisk.sync(folder)
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

#[test]
fn everything_is_on_the_medium_before_it_is_visible_the_trust_anchor_too() {
    let workshop = Workshop::new();
    let disk = Watching::default();
    workshop.release_on(&disk).unwrap();
    assert!(workshop.keys().join("root.json").is_file());
    assert_eq!(*disk.unsynced.borrow(), BTreeSet::new());
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
