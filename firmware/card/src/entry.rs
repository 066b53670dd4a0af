//! What a listing shows: files and folders, and nothing else that a card may hold.

use std::time::SystemTime;

use cap_std::fs::Metadata;

/// A file or a folder on the card.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name; empty for the card itself.
    pub name: String,
    /// Which of the two it is.
    pub kind: Kind,
    /// Bytes of a file; 0 for a folder.
    pub size: u64,
    /// When it was last written, by the file system; the epoch where that does not say.
    pub modified: SystemTime,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

impl Entry {
    /// None for links, devices and pipes: they are not shown, not read and not written.
    pub(crate) fn new(name: &str, metadata: &Metadata) -> Option<Self> {
        let (kind, size) = if metadata.is_file() {
            (Kind::File, metadata.len())
        } else if metadata.is_dir() {
            (Kind::Folder, 0)
        } else {
            return None;
        };
        let modified = metadata
            .modified()
            .map_or(SystemTime::UNIX_EPOCH, |time| time.into_std());
        Some(Self {
            name: name.to_owned(),
            kind,
            size,
            modified,
        })
    }
}
