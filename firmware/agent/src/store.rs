//! Where the record is kept.

use std::{io, path::PathBuf};

use crate::{
    Record,
    atomic::{read_at_most, write_atomically},
};

/// A record is a few kilobytes: longer is damaged.
const LONGEST: u64 = 256 << 10;

/// Keeps the record between runs.
pub trait Store {
    /// The record, or `None` on a new printer. A damaged one is an error of kind `InvalidData`.
    fn load(&mut self) -> io::Result<Option<Record>>;
    /// Replaces the record: after a crash there is the old one or the new one.
    fn commit(&mut self, record: &Record) -> io::Result<()>;
}

/// The record as a JSON file.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Store for FileStore {
    fn load(&mut self) -> io::Result<Option<Record>> {
        let Some(bytes) = read_at_most(&self.path, LONGEST)? else {
            return Ok(None);
        };
        let record: Record = serde_json::from_slice(&bytes).map_err(damaged)?;
        if record.is_known() {
            Ok(Some(record))
        } else {
            Err(damaged("its format is not known here"))
        }
    }

    fn commit(&mut self, record: &Record) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(record)?;
        bytes.push(b'\n');
        write_atomically(&self.path, &bytes)
    }
}

fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_a_damaged_one_is_told_from_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::new(folder.path().join("agent.json"));
        assert_eq!(store.load().unwrap(), None);
        store.commit(&Record::default()).unwrap();
        assert_eq!(store.load().unwrap(), Some(Record::default()));
        for damage in [&b"{\"format\":1"[..], br#"{"format":2}"#, b""] {
            std::fs::write(&store.path, damage).unwrap();
            assert_eq!(store.load().unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
