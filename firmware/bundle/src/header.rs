//! The tar around the payloads: the one header that an entry may have, padding, and the end.

/// Size of a tar block.
pub(crate) const BLOCK: u64 = 512;

/// Bytes of an entry: its header, its content, its padding.
pub(crate) fn entry_length(content: u64) -> u64 {
    content
        .div_ceil(BLOCK)
        .saturating_add(1)
        .saturating_mul(BLOCK)
}
