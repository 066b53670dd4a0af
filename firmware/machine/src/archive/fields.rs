//! Little-endian fields of a fixed header, read in order.

/// A cursor over a header. What lies behind its end reads as `None`.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.bytes(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }
}

/// The numbers of 64 bits in an extra field, which stand in for those that are all ones in the header.
pub(super) fn zip64(extra: &[u8]) -> Option<Fields<'_>> {
    let mut extra = Fields(extra);
    loop {
        let (id, length) = (extra.u16()?, extra.u16()?);
        let content = extra.bytes(length.into())?;
        if id == 1 {
            return Some(Fields(content));
        }
    }
}

/// A number of the header, or the one that stands in for it. Each call takes the next of the extra field.
pub(super) fn wide(narrow: u32, wide: &mut Option<Fields<'_>>) -> Option<u64> {
    match narrow {
        u32::MAX => wide.as_mut()?.u64(),
        _ => Some(narrow.into()),
    }
}
