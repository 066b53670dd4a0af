//! Writes bundles: the same bytes for the same input, whatever the number of threads.

use std::{
    io::{Read, Seek, Write},
    num::NonZeroUsize,
};

use crate::{Identity, ManifestDigest, PayloadName, Sha256, WriteError};

/// An image to put into a bundle.
pub struct PayloadSource<'a> {
    /// What it is called in the bundle.
    pub name: PayloadName,
    /// Its bytes; `reader` must give exactly as many.
    pub length: u64,
    /// Gives its bytes.
    pub reader: Box<dyn Read + 'a>,
}

/// How to compress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The zstd level, 1 to 19.
    pub level: i32,
    /// Threads that compress. They change how long it takes, and never the result.
    pub threads: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: 19,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Of the manifest; belongs into the channel manifest.
    pub digest: ManifestDigest,
    /// Bytes of the whole bundle.
    pub length: u64,
    /// Hash of the whole bundle.
    pub sha256: Sha256,
}

/// Writes a bundle to `out`. The compressed frames wait in `spool`, which must be empty, until the manifest that
/// stands before them is known; in memory there are never more than a few frames a thread.
pub fn write<S: Read + Write + Seek>(
    identity: Identity,
    payloads: Vec<PayloadSource<'_>>,
    spool: &mut S,
    out: impl Write,
    options: &Options,
) -> Result<Written, WriteError> {
    let _ = (identity, payloads, spool, out, options);
    todo!()
}
