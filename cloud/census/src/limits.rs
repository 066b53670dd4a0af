//! What a census may ask of whoever reads it, each limit with the attack that it stops.

/// Bounds of one census in CSV.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the text, after decompression: stops a small file that decompresses to a full disk's worth.
    pub bytes: u64,
    /// Bytes of a line: stops a file without line breaks from being held in memory whole.
    pub line: usize,
    /// Columns: stops a header that makes every line expensive.
    pub columns: usize,
    /// Distinct models, versions, channels and regions, each: stops names made up to fill the memory.
    pub names: usize,
    /// Distinct groups: stops combinations of few names and many days from doing the same.
    pub groups: usize,
    /// Threads that parse: each has groups of its own, so this bounds what `groups` is multiplied by.
    pub threads: usize,
}

/// The largest window of a zstd frame, as a power of two: stops a header of a few bytes from claiming gigabytes.
/// Compressors take more than 8 MiB only where they are asked to.
pub(crate) const WINDOW_LOG: u32 = 25;

impl Default for Limits {
    /// 8 GiB are more than a hundred million printers.
    fn default() -> Self {
        Self {
            bytes: 8 << 30,
            line: 4096,
            columns: 64,
            names: 1 << 16,
            groups: 4_000_000,
            threads: 8,
        }
    }
}
