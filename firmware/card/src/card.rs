//! The card: everything that can be asked of its files.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use crate::in_flight::{InFlight, Place};
use crate::partial::{partial_size, remove_partial, sweep};
use crate::upload::{Start, Upload};
use crate::{CardError, CardLimits, CardPath, Entry, Kind};

/// The folders that every card has, and that are neither removed nor renamed.
pub const FOLDERS: [&str; 5] = ["cache", "model", "image", "timelapse", "logger"];

/// A folder of files that nothing leaves. Clones are the same card.
#[derive(Debug, Clone)]
pub struct Card {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: Dir,
    limits: CardLimits,
    in_flight: InFlight,
}

impl Card {
    /// Opens the card at `folder`, and makes its [`FOLDERS`] where they are missing.
    ///
    /// # Errors
    /// If the folder is not there, or cannot be written.
    pub fn open(folder: &Path, limits: CardLimits) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(folder, ambient_authority())?;
        for name in FOLDERS {
            root.create_dir_all(name)?;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                limits,
                in_flight: InFlight::default(),
            }),
        })
    }

    /// The card's limits.
    #[must_use]
    pub fn limits(&self) -> &CardLimits {
        &self.inner.limits
    }

    /// Bytes that uploads may still take.
    ///
    /// # Errors
    /// If the card failed.
    pub fn space(&self) -> io::Result<u64> {
        let file_system = rustix::fs::fstatvfs(&self.inner.root)?;
        let free = file_system.f_bavail.saturating_mul(file_system.f_frsize);
        Ok(free.saturating_sub(self.inner.limits.keep_free))
    }

    /// Opens a file for reading. It stays readable when it is replaced or removed meanwhile.
    ///
    /// # Errors
    /// If there is no such file, or something that is no file.
    pub fn read(&self, path: &CardPath) -> Result<File, CardError> {
        self.expect(path, Kind::File)?;
        // Between the look and this, a link or a pipe may have come: neither is followed or waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let options = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .clone();
        let file = self.inner.root.open_with(path.as_path(), &options)?;
        if file.metadata()?.is_file() {
            Ok(file.into_std())
        } else {
            Err(CardError::NotAFile)
        }
    }

    /// What a folder holds, sorted by name: never more than the limit on entries.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn list(&self, folder: &CardPath) -> Result<Vec<Entry>, CardError> {
        let mut entries = Vec::new();
        for entry in self.folder(folder)?.entries()? {
            let entry = entry?;
            // A name that is not UTF-8 cannot be asked for, so it is not shown.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if CardPath::parse(&name, folder).is_err() {
                continue;
            }
            // It may have gone meanwhile.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            entries.extend(Entry::new(&name, &metadata));
            if entries.len() >= self.inner.limits.entries {
                break;
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// If nothing does, or neither a file nor a folder.
    pub fn metadata(&self, path: &CardPath) -> Result<Entry, CardError> {
        let metadata = self.inner.root.symlink_metadata(path.as_path())?;
        Entry::new(path.name().unwrap_or_default(), &metadata).ok_or(CardError::NotFound)
    }

    /// Removes a file, and what was left of an upload to the same place.
    ///
    /// # Errors
    /// If there is neither, or a folder.
    pub fn remove(&self, path: &CardPath) -> Result<(), CardError> {
        let (folder, name) = self.place(path)?;
        let file = match folder.symlink_metadata(name) {
            Ok(metadata) if metadata.is_dir() => return Err(CardError::NotAFile),
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        let busy = self.inner.in_flight.holds(path);
        if !file && busy {
            return Err(CardError::Busy);
        }
        if !file && partial_size(&folder, name).is_none() {
            return Err(CardError::NotFound);
        }
        if !busy {
            remove_partial(&folder, name)?;
        }
        if file {
            folder.remove_file(name)?;
        }
        Ok(sync(&folder)?)
    }

    /// Gives a file or a folder another place. A file that stands there is replaced; a folder never is.
    ///
    /// # Errors
    /// If there is nothing to rename, or the place is taken, or the folder is one of the printer's own.
    pub fn rename(&self, from: &CardPath, to: &CardPath) -> Result<(), CardError> {
        let kind = self.metadata(from)?.kind;
        check_movable(from)?;
        check_movable(to)?;
        let (old_folder, old_name) = self.place(from)?;
        let (new_folder, new_name) = self.place(to)?;
        match new_folder.symlink_metadata(new_name) {
            Ok(metadata) if metadata.is_dir() || kind == Kind::Folder => {
                return Err(CardError::Exists);
            }
            Ok(_) => {}
            Err(_) => self.check_entries(&new_folder)?,
        }
        if !self.inner.in_flight.holds(to) {
            remove_partial(&new_folder, new_name)?;
        }
        old_folder.rename(old_name, &new_folder, new_name)?;
        sync(&new_folder)?;
        Ok(sync(&old_folder)?)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// If the name is taken, or the folder that it goes into is not there or full.
    pub fn make_folder(&self, path: &CardPath) -> Result<(), CardError> {
        let (folder, name) = self.place(path)?;
        self.check_entries(&folder)?;
        folder.create_dir(name)?;
        Ok(sync(&folder)?)
    }

    /// Removes a folder that shows nothing, and what was left of uploads into it.
    ///
    /// # Errors
    /// If it is not empty, or not there, or one of the printer's own.
    pub fn remove_folder(&self, path: &CardPath) -> Result<(), CardError> {
        check_movable(path)?;
        self.expect(path, Kind::Folder)?;
        if !self.list(path)?.is_empty() {
            return Err(CardError::NotEmpty);
        }
        sweep(&self.folder(path)?, path, &self.inner.in_flight, None)?;
        let (folder, name) = self.place(path)?;
        folder.remove_dir(name)?;
        Ok(sync(&folder)?)
    }

    /// Sets when a file was last written.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn set_modified(&self, path: &CardPath, modified: SystemTime) -> Result<(), CardError> {
        Ok(self.read(path)?.set_modified(modified)?)
    }

    /// Whether an upload could start now: [`Card::upload`] without a change to the card.
    ///
    /// # Errors
    /// As [`Card::upload`].
    pub fn check_upload(&self, path: &CardPath, start: Start) -> Result<(), CardError> {
        let (folder, name) = self.place(path)?;
        if self.inner.in_flight.holds(path) {
            return Err(CardError::Busy);
        }
        self.check_place(&folder, name, start)
    }

    /// Starts an upload, or goes on with one. What stands at `path` stays there until the upload is whole.
    ///
    /// At an offset, it continues the partial file of an earlier upload, cut to the offset, or else a copy of the file
    /// at `path`: a client that was killed may have ended an upload in a way that looked whole.
    ///
    /// # Errors
    /// If a folder stands at `path`, another upload to it is under way, the card is full, or there are fewer bytes than
    /// the offset says.
    pub fn upload(&self, path: &CardPath, start: Start) -> Result<Upload, CardError> {
        let (folder, name) = self.place(path)?;
        let place: Place = self.inner.in_flight.enter(path).ok_or(CardError::Busy)?;
        self.check_place(&folder, name, start)?;
        Upload::open(self.clone(), folder, name.to_owned(), place, start)
    }

    /// How much of an upload to `path` came before it was cut off, or has come so far; none if there is no such.
    #[must_use]
    pub fn partial_size(&self, path: &CardPath) -> Option<u64> {
        let (folder, name) = self.place(path).ok()?;
        partial_size(&folder, name)
    }

    /// Removes what is left of all uploads that are not under way.
    ///
    /// # Errors
    /// If the card failed.
    pub fn discard_partials(&self) -> io::Result<()> {
        sweep(
            &self.inner.root,
            &CardPath::root(),
            &self.inner.in_flight,
            None,
        )
    }

    /// Removes what is left of uploads that were cut off longer ago than the limits allow.
    ///
    /// # Errors
    /// If the card failed.
    pub fn discard_old_partials(&self, now: SystemTime) -> io::Result<()> {
        let Some(before) = now.checked_sub(self.inner.limits.partial_age) else {
            return Ok(());
        };
        sweep(
            &self.inner.root,
            &CardPath::root(),
            &self.inner.in_flight,
            Some(before),
        )
    }

    fn expect(&self, path: &CardPath, kind: Kind) -> Result<(), CardError> {
        match (self.metadata(path)?.kind, kind) {
            (Kind::Folder, Kind::File) => Err(CardError::NotAFile),
            (Kind::File, Kind::Folder) => Err(CardError::NotAFolder),
            _ => Ok(()),
        }
    }

    fn folder(&self, path: &CardPath) -> io::Result<Dir> {
        self.inner.root.open_dir(path.as_path())
    }

    /// The folder that holds `path`, and the name in it.
    fn place<'p>(&self, path: &'p CardPath) -> Result<(Dir, &'p str), CardError> {
        let name = path.name().ok_or(CardError::Fixed)?;
        Ok((self.folder(&path.parent())?, name))
    }

    fn check_place(&self, folder: &Dir, name: &str, start: Start) -> Result<(), CardError> {
        let size = match folder.symlink_metadata(name) {
            Ok(metadata) if metadata.is_file() => Some(metadata.len()),
            Ok(_) => return Err(CardError::NotAFile),
            Err(_) => None,
        };
        let partial = partial_size(folder, name);
        // Never a piece of a new file with the tail of an old one: where there is a partial file, it alone counts.
        let have = partial.or(size).unwrap_or(0);
        if start.offset() > have {
            return Err(CardError::WrongOffset { have });
        }
        if size.or(partial).is_none() {
            self.check_entries(folder)?;
        }
        if self.space()? == 0 {
            Err(CardError::NoSpace)
        } else {
            Ok(())
        }
    }

    fn check_entries(&self, folder: &Dir) -> Result<(), CardError> {
        let limit = self.inner.limits.entries;
        let count = folder.entries()?.take(limit).count();
        if count < limit {
            Ok(())
        } else {
            Err(CardError::TooManyEntries { limit })
        }
    }
}

/// Makes a rename or a removal in `folder` outlast a power cut.
pub(crate) fn sync(folder: &Dir) -> io::Result<()> {
    // The handle itself may be one that only finds names, which cannot be synced.
    folder.open(".")?.sync_all()
}

fn check_movable(path: &CardPath) -> Result<(), CardError> {
    let own = FOLDERS
        .iter()
        .any(|folder| path.as_str().eq_ignore_ascii_case(folder));
    if own || path.is_root() {
        Err(CardError::Fixed)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
