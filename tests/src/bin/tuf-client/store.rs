//! A folder as the store of trusted metadata: a file is its old self or its new one, never a mixture.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use firstlayer_metadata::Local;
use tempfile::NamedTempFile;

/// A folder whose files change atomically.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// A nameless file that [`Folder::keep`] puts into its place, or that goes away.
    pub(crate) fn temporary(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.0)
    }

    /// Content first, then the name, then the folder, each on the disk before the next.
    pub(crate) fn keep(&self, temporary: NamedTempFile, name: &str) -> io::Result<()> {
        temporary.as_file().sync_all()?;
        temporary.persist(self.path(name))?;
        File::open(&self.0)?.sync_all()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Local for Folder {
    type Error = io::Error;

    fn load(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        absent_is_none(fs::read(self.path(file)))
    }

    fn store(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = self.temporary()?;
        temporary.write_all(bytes)?;
        self.keep(temporary, file)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        absent_is_none(fs::remove_file(self.path(file))).map(drop)
    }
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
