//! Puts new files into a repository so that clients see either the old state or the new one.
//!
//! Every file is written beside its name, brought to the medium, and renamed. What is named by its hash or version
//! comes first, and lies there unseen; a new root, which clients look for by its number, and `timestamp.json`, by which
//! they find the rest, come last. Until that last rename the old state holds.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Cursor, Read};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::disk::{Disk, PARTIAL, replace};
use super::{Folder, Lock};

/// New files.
#[derive(Debug, Default)]
pub struct Publication {
    /// The trust anchor's copy, where there is none yet.
    pub anchor: Option<Vec<u8>>,
    /// Targets, under `<sha256>.<name>`.
    pub targets: Vec<NewFile>,
    /// Metadata under versioned names.
    pub metadata: Vec<NewFile>,
    /// The new `timestamp.json`.
    pub timestamp: Vec<u8>,
}

/// A file's name in its folder, and what it holds.
#[derive(Debug)]
pub struct NewFile {
    /// Without a folder.
    pub name: String,
    /// Where its bytes are.
    pub content: Content,
}

/// A file's bytes.
#[derive(Debug)]
pub enum Content {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, to be copied.
    File(Utf8PathBuf),
}

/// A publication whose files all lie in the repository, where no client sees them yet: the time to look at them.
#[must_use = "no client sees it until it is revealed"]
pub struct Laid<'a> {
    metadata: Utf8PathBuf,
    publication: &'a Publication,
    disk: &'a dyn Disk,
}

/// Writes everything that clients do not see by itself; `_lock` is the proof that nobody else does.
///
/// # Errors
/// What could not be written. Nothing that clients see has changed then, and the next publication clears up.
pub fn lay<'a>(
    folder: &Folder,
    _lock: &'a Lock,
    publication: &'a Publication,
    disk: &'a dyn Disk,
) -> Result<Laid<'a>> {
    let (metadata, targets) = (folder.metadata(), folder.targets());
    for file in &publication.targets {
        put(disk, &targets, file)?;
    }
    synced(disk, &targets)?;
    if let Some(anchor) = &publication.anchor {
        write(disk, &folder.anchor(), &mut Cursor::new(anchor))?;
        synced(disk, folder.path())?;
    }
    for file in publication.metadata.iter().filter(|file| !is_root(file)) {
        put(disk, &metadata, file)?;
    }
    synced(disk, &metadata)?;
    Ok(Laid {
        metadata,
        publication,
        disk,
    })
}

impl Laid<'_> {
    /// Makes it what clients see.
    ///
    /// # Errors
    /// What could not be written. Clients see the old state then, perhaps with the new root, which leads to it as well.
    pub fn reveal(self) -> Result<()> {
        let (disk, metadata) = (self.disk, &self.metadata);
        let roots = self.publication.metadata.iter();
        for root in roots.filter(|file| is_root(file)) {
            put(disk, metadata, root)?;
            synced(disk, metadata)?;
        }
        let timestamp = &mut Cursor::new(&self.publication.timestamp);
        write(disk, &metadata.join("timestamp.json"), timestamp)?;
        synced(disk, metadata)
    }
}

/// Clients ask for the next root by its number, before they ask for anything else.
fn is_root(file: &NewFile) -> bool {
    file.name.ends_with(".root.json")
}

/// Removes what no state refers to: parts of files, and files that a publication left which never came to its end.
///
/// # Errors
/// What could not be listed or removed.
pub fn sweep(folder: &Folder, _lock: &Lock, keep: &Keep, disk: &dyn Disk) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for (path, kept) in [
        (folder.metadata(), &keep.metadata),
        (folder.targets(), &keep.targets),
    ] {
        let entries = path
            .read_dir_utf8()
            .with_context(|| format!("cannot list {path}"))?;
        for entry in entries {
            let name = entry
                .with_context(|| format!("cannot list {path}"))?
                .file_name()
                .to_owned();
            if !kept.contains(&name) && is_ours(&name) {
                let file = path.join(&name);
                disk.remove(&file)
                    .with_context(|| format!("cannot remove the leftover {file}"))?;
                removed.push(name);
            }
        }
    }
    let partial = Utf8PathBuf::from(format!("{}{PARTIAL}", folder.anchor()));
    if partial.exists() {
        disk.remove(&partial)
            .with_context(|| format!("cannot remove the leftover {partial}"))?;
        removed.push("root.json.partial".to_owned());
    }
    removed.sort();
    Ok(removed)
}

/// The names that a sweep leaves alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// In `metadata/`.
    pub metadata: BTreeSet<String>,
    /// In `targets/`.
    pub targets: BTreeSet<String>,
}

/// Whether a name has a form that publishing makes: a part of a file, versioned metadata, a target under its hash.
fn is_ours(name: &str) -> bool {
    let digits = |text: &str, hex: bool| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (hex && b.is_ascii_hexdigit()))
    };
    name.ends_with(PARTIAL)
        || name.split_once('.').is_some_and(|(prefix, rest)| {
            let versioned = !prefix.is_empty() && digits(prefix, false) && rest.ends_with(".json");
            versioned || (prefix.len() == 64 && digits(prefix, true))
        })
}

fn put(disk: &dyn Disk, folder: &Utf8Path, file: &NewFile) -> Result<()> {
    let path = folder.join(&file.name);
    let mut content: Box<dyn Read> = match &file.content {
        Content::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        Content::File(source) => Box::new(
            File::open(source).with_context(|| format!("cannot open {source} to publish it"))?,
        ),
    };
    write(disk, &path, &mut content)
}

fn write(disk: &dyn Disk, path: &Utf8Path, content: &mut dyn Read) -> Result<()> {
    replace(disk, path, content)
        .with_context(|| format!("cannot publish {path}; clients still see the old state"))
}

fn synced(disk: &dyn Disk, folder: &Utf8Path) -> Result<()> {
    disk.sync(folder)
        .with_context(|| format!("cannot bring {folder} to the medium"))
}
