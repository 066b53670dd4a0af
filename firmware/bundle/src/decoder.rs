//! From stored bytes to raw bytes, one frame at a time. A frame is its own window, so that the memory it takes is
//! that of its raw bytes, which the manifest tells and the limits bound; zstd allocates nothing by what it reads.

use std::io;

use zstd::{bulk::Decompressor, zstd_safe};

use crate::{Error, Frame, Sha256};

/// Decompresses frames; keeps its working memory, about 100 kB, from one to the next.
pub struct Decoder(Decompressor<'static>);

impl Decoder {
    /// A decoder for any number of frames.
    pub fn new() -> Result<Self, Error> {
        Decompressor::new().map(Self).map_err(Error::Memory)
    }

    /// Replaces `raw` by the raw bytes of a frame. The stored bytes are compared by length and hash first, and
    /// nothing in them is looked at before. The raw hash is left to the caller, who compares it
    /// where it costs least: here the stored hash vouches for the bytes.
    pub fn decode(&mut self, frame: &Frame, stored: &[u8], raw: &mut Vec<u8>) -> Result<(), Error> {
        frame.verify_stored(stored)?;
        check_frame(frame.length, stored)?;
        raw.clear();
        raw.reserve_exact(size(frame.length)?);
        let written = self
            .0
            .decompress_to_buffer(stored, raw)
            .map_err(Error::Decompress)?;
        if written as u64 == frame.length {
            Ok(())
        } else {
            Err(Error::Decompress(io::ErrorKind::InvalidData.into()))
        }
    }
}

impl Frame {
    /// Compares stored bytes with the manifest: their number, then their hash.
    pub(crate) fn verify_stored(&self, stored: &[u8]) -> Result<(), Error> {
        let (expected, found) = (self.stored.length, stored.len() as u64);
        if found != expected {
            return Err(Error::StoredLength { expected, found });
        }
        if Sha256::of(stored) == self.stored.sha256 {
            Ok(())
        } else {
            Err(Error::StoredHash)
        }
    }
}

/// The one header that a frame of this raw length may have (RFC 8878, 3.1.1.1): magic number, a descriptor that says
/// single segment, no checksum, no dictionary, and the content size in the fewest bytes.
pub(crate) fn frame_header(length: u64) -> Vec<u8> {
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let (size_flag, size) = match length {
        ..256 => (0, length.to_le_bytes().into_iter().take(1)),
        256..65_792 => (1, (length - 256).to_le_bytes().into_iter().take(2)),
        65_792..0xffff_ffff => (2, length.to_le_bytes().into_iter().take(4)),
        _ => (3, length.to_le_bytes().into_iter().take(8)),
    };
    let start = [0x28, 0xb5, 0x2f, 0xfd, size_flag << 6 | SINGLE_SEGMENT];
    start.into_iter().chain(size).collect()
}

/// Refuses whatever is not one frame with that header: other windows, checksums, dictionaries, skippable frames.
fn check_frame(length: u64, stored: &[u8]) -> Result<(), Error> {
    if !stored.starts_with(&frame_header(length)) {
        return Err(Error::FrameHeader);
    }
    match zstd_safe::find_frame_compressed_size(stored) {
        Ok(extent) if extent == stored.len() => Ok(()),
        _ => Err(Error::FrameExtent),
    }
}

/// A length that the manifest bounds, as the machine counts memory.
pub(crate) fn size(length: u64) -> Result<usize, Error> {
    usize::try_from(length).map_err(|_| Error::Memory(io::ErrorKind::OutOfMemory.into()))
}
