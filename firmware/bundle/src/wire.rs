//! The manifest's JSON.
pub(crate) const FORMAT: u32 = 1;
