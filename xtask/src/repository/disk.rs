//! The four things that publishing asks of a file system, behind a trait so that tests can fail each of them.
//!
//! Nothing here knows what a repository is.

use std::fs::{self, File};
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};

/// Changes to the repository's folder, each of which may fail or be the last.
pub trait Disk {
    /// Makes a file of everything that `content` gives, and brings it to the medium.
    ///
    /// # Errors
    /// What the system says; then a part of the file may be there.
    fn write(&self, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()>;

    /// Gives a file its final name, replacing what has that name, in one step.
    ///
    /// # Errors
    /// What the system says; then nothing has changed.
    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;

    /// Brings a folder's list of names to the medium.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self, folder: &Utf8Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Utf8Path) -> io::Result<()>;
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn write(&self, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()> {
        let mut file = File::create(path)?;
        io::copy(content, &mut file)?;
        file.sync_all()
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync(&self, folder: &Utf8Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// What a file is called until it is whole.
pub(crate) const PARTIAL: &str = ".partial";

/// Writes beside the final name, then renames: nobody ever sees a part of a file under its final name. Whoever replaces
/// several files brings their folder to the medium once, after the last of them.
pub(crate) fn replace(disk: &dyn Disk, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()> {
    let partial = Utf8PathBuf::from(format!("{path}{PARTIAL}"));
    let written = disk
        .write(&partial, content)
        .and_then(|()| disk.rename(&partial, path));
    if written.is_err() {
        // On a full disk the part is what fills it; if it cannot be removed, the next publication will.
        let _ = disk.remove(&partial);
    }
    written
}

/// The same for one file: when this returns, the file survives a power cut.
pub(crate) fn replace_durably(
    disk: &dyn Disk,
    path: &Utf8Path,
    content: &mut dyn Read,
) -> io::Result<()> {
    replace(disk, path, content)?;
    disk.sync(path.parent().unwrap_or(Utf8Path::new(".")))
}
