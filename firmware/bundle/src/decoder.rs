//! From stored bytes to raw bytes, one frame at a time.

use crate::{Error, Frame};

/// Decompresses frames; keeps its working memory from one to the next.
pub struct Decoder {}

impl Decoder {
    /// A decoder for any number of frames.
    pub fn new() -> Result<Self, Error> {
        todo!()
    }

    /// Replaces `raw` by the raw bytes of a frame. The stored bytes are compared by length and hash first; nothing
    /// of them is decompressed before. The raw hash is not computed here: the image's own covers it.
    pub fn decode(&mut self, frame: &Frame, stored: &[u8], raw: &mut Vec<u8>) -> Result<(), Error> {
        let _ = (frame, stored, raw);
        todo!()
    }
}
