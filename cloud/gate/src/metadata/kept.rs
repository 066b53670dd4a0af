//! What was accepted last, as one file: the repository's files that showed it, and when.

use std::collections::BTreeMap;
use std::io;

use firstlayer_metadata::Local;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::folder::Folder;

/// Its name in the folder.
pub(crate) const ACCEPTED: &str = "accepted.json";

/// A copy of the repository as it was accepted. It vouches for nothing: its signatures do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When it was accepted: what it is verified as of.
    pub(super) accepted: Timestamp,
    /// The files, by their paths in the repository.
    pub(super) files: BTreeMap<String, String>,
}

impl Kept {
    /// What is kept in the folder; `None` if nothing is.
    pub(super) fn load(folder: &mut Folder) -> io::Result<Option<Self>> {
        let Some(bytes) = folder.load(ACCEPTED)? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Puts it in the place of what was kept.
    pub(super) fn store(&self, folder: &mut Folder) -> io::Result<()> {
        folder.store(ACCEPTED, &serde_json::to_vec(self)?)
    }
}

/// Adds the chain of roots that led to the newest, as far as the folder with the trusted metadata has it.
pub(super) fn add_roots(
    files: &mut BTreeMap<String, String>,
    metadata: &mut Folder,
) -> io::Result<()> {
    let Some(newest) = metadata.load("root.json")? else {
        return Ok(());
    };
    let mut version = version_of(&newest);
    while version > 0 {
        let Some(root) = metadata.load(&format!("{version}.root"))? else {
            break;
        };
        let text = String::from_utf8_lossy(&root).into_owned();
        files.insert(format!("metadata/{version}.root.json"), text);
        version -= 1;
    }
    Ok(())
}

/// The version that a root names, which the client has verified before it stored it.
fn version_of(root: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Root {
        signed: Signed,
    }
    #[derive(Deserialize)]
    struct Signed {
        version: u64,
    }
    serde_json::from_slice(root).map_or(0, |root: Root| root.signed.version)
}

/// A store that keeps nothing: a copy is verified from the trust anchor each time.
#[derive(Debug)]
pub(super) struct NothingKept;

impl Local for NothingKept {
    type Error = io::Error;

    fn load(&mut self, _file: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn store(&mut self, _file: &str, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _file: &str) -> io::Result<()> {
        Ok(())
    }
}
