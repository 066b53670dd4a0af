//! The limits of the reader, each with the attack that it stops.

/// How large the parts of a bundle may be. The reader checks them after the manifest's hash holds, because even a
/// signed manifest can be a mistake, and before anything of the size in question is read or allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of `manifest.json`. Stops an endless manifest that fills the memory. With 250 bytes a frame it also
    /// bounds the number of frames.
    pub manifest: u64,
    /// Models in a manifest. Stops a list that makes every hardware check slow.
    pub models: usize,
    /// Payloads in a bundle. Stops a bundle of a thousand images that no printer has slots for.
    pub payloads: usize,
    /// Bytes of one image. Stops a compression bomb that fills the slot's medium, and sums that overflow: it keeps
    /// every size within the 11 octal digits of a tar header.
    pub image: u64,
    /// Raw bytes of one frame. Stops a compression bomb, or a window, that fills the memory: a frame is its own window.
    pub frame: u64,
    /// Bytes of the base image that one delta frame refers to. Stops a delta that has the whole old image loaded.
    pub reference: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 1 << 20,
            models: 64,
            payloads: 16,
            image: 4 << 30,
            frame: 8 << 20,
            reference: 8 << 20,
        }
    }
}
