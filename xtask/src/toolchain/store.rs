//! The folder `.firstlayer/toolchain/`. A component is there whole or not at all: it is made in a staging folder and
//! renamed into place. One process at a time changes the folder; what is in place never changes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::checkout::Checkout;
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};
use crate::repository::{Disk, RealDisk};

const STAGING: &str = "staging-";

/// The folder, locked against other runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct Store {
    folder: Utf8PathBuf,
    _lock: File,
}

/// Where the toolchain lives in a checkout.
pub(crate) fn folder(checkout: &Checkout) -> Utf8PathBuf {
    checkout.state().join("toolchain")
}

impl Store {
    /// Waits for its turn, and clears away what an interrupted run left.
    pub(crate) fn open(checkout: &Checkout, progress: &dyn Progress) -> Result<Self> {
        let folder = folder(checkout);
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let lock = lock(&folder.join("lock"), progress)?;
        let store = Self {
            folder,
            _lock: lock,
        };
        store.clear_staging();
        Ok(store)
    }

    /// A file or folder in the store.
    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        self.folder.join(name)
    }

    /// The component's folder; if it is not there yet, `make` fills an empty folder that then becomes it.
    pub(crate) fn component(
        &self,
        name: &str,
        make: impl FnOnce(&Utf8Path) -> Result<()>,
    ) -> Result<Utf8PathBuf> {
        let place = self.path(name);
        if place.is_dir() {
            return Ok(place);
        }
        let staging = self.staging()?;
        let made = Utf8Path::from_path(staging.path()).ok_or_else(|| not_utf8(&place))?;
        make(made)?;
        fs::rename(made, &place).map_err(Error::file("rename a finished component to", &place))?;
        Ok(place)
    }

    fn staging(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(&self.folder)
            .map_err(Error::file("make a staging folder in", &self.folder))
    }

    /// As far as it can: a program that outlived an interrupted run may still write there; the next run tries again.
    fn clear_staging(&self) {
        let entries = self.folder.read_dir_utf8().into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().starts_with(STAGING)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes a file so that readers see the old bytes or the new ones, never a part, whoever else writes it at the same
/// time. When this returns, it survives a power cut.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<()> {
    write_with_mode(path, bytes, 0o644)
}

/// The same for a program.
pub(crate) fn write_program(path: &Utf8Path, bytes: &[u8]) -> Result<()> {
    write_with_mode(path, bytes, 0o755)
}

fn write_with_mode(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let file = tempfile::NamedTempFile::new_in(folder).map_err(Error::file("write", path))?;
    fs::write(file.path(), bytes).map_err(Error::file("write", path))?;
    let permissions = fs::Permissions::from_mode(mode);
    file.as_file()
        .set_permissions(permissions)
        .map_err(Error::file("write", path))?;
    file.as_file()
        .sync_all()
        .map_err(Error::file("write", path))?;
    file.persist(path)
        .map_err(|error| Error::file("write", path)(error.error))?;
    RealDisk.sync(folder).map_err(Error::file("sync", folder))
}

/// Waits until no other run holds this file, which is held until the value is dropped.
pub(crate) fn lock(path: &Utf8Path, progress: &dyn Progress) -> Result<File> {
    let file = File::create(path).map_err(Error::file("create", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress.event(Event::Note(format!(
                "another run holds {path}; waiting for it"
            )));
        }
        Err(TryLockError::Error(error)) => return Err(Error::file("lock", path)(error)),
    }
    file.lock().map_err(Error::file("lock", path))?;
    Ok(file)
}

fn not_utf8(path: &Utf8Path) -> Error {
    Error::file("use a folder name that is not UTF-8 for", path)(
        std::io::ErrorKind::InvalidInput.into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn checkout() -> (TempDir, Checkout) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("firmware/boards")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        let checkout = Checkout::around(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        (folder, checkout)
    }

    fn names(store: &Store) -> Vec<String> {
        let entries = store.folder.read_dir_utf8().unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().to_owned())
            .filter(|name| name != "lock")
            .collect()
    }

    #[test]
    fn component_is_made_once() {
        let (_folder, checkout) = checkout();
        let store = Store::open(&checkout, &Silent).unwrap();
        let place = store
            .component("zig", |folder| write(&folder.join("zig"), b"1"))
            .unwrap();
        let again = store
            .component("zig", |_| panic!("it is there already"))
            .unwrap();
        assert_eq!(place, again);
        assert_eq!(names(&store), ["zig"]);
    }

    #[test]
    fn component_that_fails_leaves_nothing() {
        let (_folder, checkout) = checkout();
        let store = Store::open(&checkout, &Silent).unwrap();
        let missing = || Error::Missing {
            what: "network".into(),
            next: "wait".into(),
        };
        store
            .component("zig", |folder| {
                fs::write(folder.join("half"), "").unwrap();
                Err(missing())
            })
            .unwrap_err();
        assert!(names(&store).is_empty());
    }

    #[test]
    fn what_an_interrupted_run_left_is_cleared() {
        let (_folder, checkout) = checkout();
        let left = folder(&checkout).join("staging-abc/deep");
        fs::create_dir_all(&left).unwrap();
        let store = Store::open(&checkout, &Silent).unwrap();
        assert!(names(&store).is_empty());
    }
}
