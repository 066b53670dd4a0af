//! Reads a whole bundle from its first byte to its last, and accepts nothing that the writer would not have written.

use std::io::Read;

use crate::{Error, Limits, Manifest, ManifestDigest};

/// Which frame of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Index into the manifest's payloads.
    pub payload: usize,
    /// Index into the payload's frames.
    pub frame: usize,
}

/// Reads exactly the preamble, and gives its manifest.
pub fn read_manifest(
    source: impl Read,
    digest: &ManifestDigest,
    limits: &Limits,
) -> Result<Manifest, Error> {
    let _ = (source, digest, limits);
    todo!()
}

/// A strict streaming reader of a whole bundle.
pub struct Reader<R> {
    source: R,
    manifest: Manifest,
}

impl<R: Read> Reader<R> {
    /// Reads the preamble.
    pub fn new(mut source: R, digest: &ManifestDigest, limits: &Limits) -> Result<Self, Error> {
        let manifest = read_manifest(&mut source, digest, limits)?;
        Ok(Self { source, manifest })
    }

    /// The verified manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Replaces `raw` by the next frame's raw bytes. `None` only when the whole file was read, to its very end,
    /// and every image had its hash.
    pub fn next_frame(&mut self, raw: &mut Vec<u8>) -> Result<Option<Position>, Error> {
        let _ = (&mut self.source, raw);
        todo!()
    }
}
