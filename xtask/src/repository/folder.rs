//! A repository's folder: where what lies in it, and its lock. Reads; changes nothing but the lock file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The folder of a published repository: `metadata/`, `targets/`, and a copy of the trust anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(Utf8PathBuf);

/// Held while a repository is changed; given back when it is dropped, also by a process that is killed.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocks in so many words: a process that another thread has just begun may hold the file open a little longer.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Folder {
    /// Names the folder; it need not be there yet.
    pub fn new(path: impl Into<Utf8PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Utf8Path {
        &self.0
    }

    /// Metadata under versioned names, and `timestamp.json`.
    pub fn metadata(&self) -> Utf8PathBuf {
        self.0.join("metadata")
    }

    /// Targets under `<sha256>.<name>`.
    pub fn targets(&self) -> Utf8PathBuf {
        self.0.join("targets")
    }

    /// The copy of the trust anchor, for people who want to start a client.
    pub fn anchor(&self) -> Utf8PathBuf {
        self.0.join("root.json")
    }

    /// Whether anything was ever published here: the timestamp is what clients begin with.
    pub fn is_published(&self) -> bool {
        self.metadata().join("timestamp.json").is_file()
    }

    /// Makes the folder and locks it.
    ///
    /// # Errors
    /// When another process holds the lock, or the folder cannot be written.
    pub fn lock(&self) -> Result<Lock> {
        self.check_ours()?;
        for folder in [self.metadata(), self.targets()] {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder}"))?;
        }
        let path = self.0.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write to the repository: opening {path} failed"))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{} is locked: another command is changing it; wait for that to end",
                    self.0
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {path}"))
            }
        }
    }

    /// Refuses a folder that is there, holds something, and is no repository: it may be anyone's.
    fn check_ours(&self) -> Result<()> {
        if self.is_published() {
            return Ok(());
        }
        let entries = match self.0.read_dir_utf8() {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("cannot list {}", self.0)),
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", self.0))?;
            if ![
                "metadata",
                "targets",
                "root.json",
                "root.json.partial",
                ".lock",
            ]
            .contains(&entry.file_name())
            {
                bail!(
                    "{} is no repository: it holds `{}`; name an empty folder, one that is not there, or a repository",
                    self.0,
                    entry.file_name()
                );
            }
        }
        Ok(())
    }
}

/// At most `limit` bytes of a file; `None` if it is not there.
///
/// # Errors
/// When the file cannot be read, or is longer than `limit`.
pub(crate) fn read_at_most(path: &Utf8Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {limit} bytes"),
        ));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::new(Utf8PathBuf::try_from(scratch.path().join("repository")).unwrap());
        (scratch, folder)
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_given_back() {
        let (_scratch, folder) = folder();
        let first = folder.lock().unwrap();
        let error = folder.lock().unwrap_err().to_string();
        assert!(error.contains("another command is changing it"), "{error}");
        drop(first);
        folder.lock().unwrap();
    }

    #[test]
    fn someone_elses_folder_is_left_alone() {
        let (_scratch, folder) = folder();
        fs::create_dir_all(folder.path()).unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let error = folder.lock().unwrap_err().to_string();
        assert!(error.contains("thesis.txt"), "{error}");
        assert!(!folder.metadata().exists());
    }

    #[test]
    fn a_file_that_is_too_long_is_an_error_and_one_that_is_missing_is_none() {
        let (scratch, _) = folder();
        let path = Utf8PathBuf::try_from(scratch.path().join("file")).unwrap();
        assert!(read_at_most(&path, 3).unwrap().is_none());
        fs::write(&path, "1234").unwrap();
        assert!(read_at_most(&path, 3).is_err());
        assert_eq!(read_at_most(&path, 4).unwrap().unwrap(), b"1234");
    }
}
