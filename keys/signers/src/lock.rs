//! One process at a time makes keys in a folder. The lock says nothing about reading: keys are never replaced.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::{Error, KeyDirectory, Result};

/// A folder of keys that nobody else makes keys in; given back when it is dropped, also by a process that is killed.
#[derive(Debug)]
pub struct LockedKeys {
    directory: KeyDirectory,
    file: File,
}

impl KeyDirectory {
    /// Makes the folder, for its owner alone, and waits until no other process holds it.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be made or locked.
    pub fn lock(&self) -> Result<LockedKeys> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.path())
            .map_err(|source| failed(self.path().to_owned(), "made", source))?;
        let path = self.path().join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| failed(path.clone(), "written", source))?;
        file.lock()
            .map_err(|source| failed(path, "locked", source))?;
        Ok(LockedKeys {
            directory: self.clone(),
            file,
        })
    }
}

impl LockedKeys {
    /// The folder.
    pub fn directory(&self) -> &KeyDirectory {
        &self.directory
    }
}

impl Drop for LockedKeys {
    /// Unlocks in so many words: a process that another thread has just begun may hold the file open a little longer.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn failed(path: PathBuf, attempt: &'static str, source: std::io::Error) -> Error {
    Error::File {
        path,
        attempt,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let directory = KeyDirectory::new(folder.path().join("keys"));
        let first = directory.lock().unwrap();
        let (began, beginning) = std::sync::mpsc::channel();
        let other = directory.clone();
        let second = std::thread::spawn(move || {
            began.send(()).unwrap();
            drop(other.lock().unwrap());
        });
        beginning.recv().unwrap();
        let contender = File::open(directory.path().join(".lock")).unwrap();
        assert!(contender.try_lock().is_err());
        drop(first);
        second.join().unwrap();
        assert!(contender.try_lock().is_ok());
    }
}
