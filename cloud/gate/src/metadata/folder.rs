//! A folder whose files are wholly the old or wholly the new ones, whenever the power goes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use firstlayer_metadata::Local;

use crate::limits::KEPT;

/// Files of the gate's own.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder, which is made when something is stored in it.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl Local for Folder {
    type Error = io::Error;

    fn load(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        read_at_most(&self.0.join(file), KEPT)
    }

    fn store(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let place = self.0.join(file);
        let temporary = self.0.join(format!("{file}.temporary"));
        let mut written = File::create(&temporary)?;
        written.write_all(bytes)?;
        written.sync_all()?;
        fs::rename(&temporary, place)?;
        File::open(&self.0)?.sync_all()
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Err(_) => Ok(()),
            Ok(()) => File::open(&self.0)?.sync_all(),
        }
    }
}

/// A file of at most `limit` bytes, one byte more of a longer one; `None` if there is none.
pub(super) fn read_at_most(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
