//! The metadata client's two traits over a repository's folder: a printer that has the folder at hand.

use std::convert::Infallible;
use std::io;

use firstlayer_metadata::{Local, Remote};

use super::Folder;
use super::folder::read_at_most;

/// Serves metadata from a folder.
#[derive(Debug, Clone)]
pub struct FolderRemote(pub Folder);

impl Remote for FolderRemote {
    type Error = io::Error;

    fn fetch(&mut self, file: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        // One byte more than the limit: the client itself refuses what is too long, and names it.
        read_at_most(&self.0.metadata().join(file), limit.saturating_add(1))
    }
}

/// Keeps nothing: every run starts from the trust anchor, as a printer fresh from the factory does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingKept;

impl Local for NothingKept {
    type Error = Infallible;

    fn load(&mut self, _file: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(None)
    }

    fn store(&mut self, _file: &str, _bytes: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn remove(&mut self, _file: &str) -> Result<(), Infallible> {
        Ok(())
    }
}
