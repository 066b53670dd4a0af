//! Targets on disk: verified while they arrive, and in their place only once the last byte was right.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use firstlayer_metadata::{Target, VerifiedTarget};

use crate::http::Http;
use crate::store::Folder;

/// Where targets come from and go to.
#[derive(Debug)]
pub(crate) struct Downloads {
    remote: Http,
    folder: Folder,
}

impl Downloads {
    pub(crate) fn new(remote: Http, folder: PathBuf) -> Result<Self> {
        let folder = Folder::create(folder).context("making the folder for targets")?;
        Ok(Self { remote, folder })
    }

    /// Makes sure that the target is there; fetches it only if it is not.
    pub(crate) fn fetch(&self, target: &Target) -> Result<()> {
        // One flat name, whatever folders the path has: nothing that lies in a link is followed.
        let name = target.path().encoded();
        if is_present(&self.folder.path(&name), target) {
            return Ok(());
        }
        let response = self.remote.open(&target.remote_path())?;
        let response = response.context("the repository has no such file")?;
        let mut temporary = self.folder.temporary().context("making a temporary file")?;
        verify(target, response, &mut temporary)?;
        self.folder
            .keep(temporary, &name)
            .context("putting the file into its place")
    }
}

/// Whether the path holds the target itself, not a link to something like it.
fn is_present(path: &Path, target: &Target) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(path).is_ok_and(|file| verify(target, file, std::io::sink()).is_ok())
}

/// Copies the bytes and checks them; stops at the first byte too many.
fn verify(target: &Target, mut from: impl Read, mut to: impl Write) -> Result<VerifiedTarget> {
    let mut verifier = target.verify()?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).context("reading the file")?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        verifier.update(bytes)?;
        to.write_all(bytes).context("writing the file")?;
    }
    Ok(verifier.finish()?)
}
