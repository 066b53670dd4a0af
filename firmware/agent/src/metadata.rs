//! The two ends that TUF metadata needs: the repository's `metadata/` over [`Fetch`], and a folder on the printer.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use firstlayer_metadata::{Local, Remote};

use crate::{
    Clock, Fetch, FetchError, Progress, Request, RetryPolicy,
    atomic::{read_at_most, remove_durably, write_atomically},
    retry::Retries,
};

/// Longer than any role may be: a longer file in the folder is damaged.
const LONGEST_LOCAL: u64 = 8 << 20;

/// Trusted metadata, byte for byte, as `root.json`, `timestamp.json` and so on.
#[derive(Debug, Clone)]
pub struct MetadataFolder {
    folder: PathBuf,
}

impl MetadataFolder {
    /// Trusted metadata in this folder, which is made when something is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }
}

impl Local for MetadataFolder {
    type Error = io::Error;

    fn load(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        read_at_most(&self.folder.join(file), LONGEST_LOCAL)
    }

    fn store(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        write_atomically(&self.folder.join(file), bytes)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        remove_durably(&self.folder.join(file))
    }
}

/// Whole files of the repository, asked for with patience.
pub(crate) struct Files<'a> {
    pub(crate) fetch: &'a mut dyn Fetch,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) retry: RetryPolicy,
    /// Hears of waits, which may be long on a server's word.
    pub(crate) progress: &'a mut dyn Progress,
}

impl Files<'_> {
    /// Reads a file, and stops one byte after `limit`. `None` if the repository does not have it.
    pub(crate) fn read(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let mut retries = Retries::new(self.retry, self.clock);
        loop {
            match self.try_read(path, limit) {
                Err(error) => retries.wait(error, self.progress)?,
                done => return done,
            }
        }
    }

    fn try_read(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(content) = self.fetch.open(&Request {
            path,
            range: None,
            validator: None,
        })?
        else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let mut body = content.body.take(limit.saturating_add(1));
        body.read_to_end(&mut bytes)
            .map_err(FetchError::broken_off)?;
        Ok(Some(bytes))
    }
}

impl Remote for Files<'_> {
    type Error = FetchError;

    fn fetch(&mut self, file: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        match self.read(&format!("metadata/{file}"), limit) {
            // The root after the newest is asked for each time and never there, and an object store that lists
            // nothing to strangers says "forbidden" of what it does not have.
            Err(FetchError::Refused { status: 403 }) if file.ends_with(".root.json") => Ok(None),
            done => done,
        }
    }
}
