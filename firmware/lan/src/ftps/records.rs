//! A TCP stream that knows whether it stands between two TLS records.
//!
//! The end of the stream without close_notify counts as the end of a file, because existing clients close like that.
//! Inside a record it cannot be: then the tail is missing for certain. The stream sees lengths only, never contents.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Type, version and length of a record.
const HEADER: usize = 5;

/// The stream under the TLS of a data connection.
#[derive(Debug)]
pub(crate) struct Records {
    tcp: TcpStream,
    boundary: Boundary,
}

/// Where in the sequence of records the stream stands.
#[derive(Debug, Default)]
struct Boundary {
    /// Bytes of a header that have come.
    header: usize,
    length: usize,
    /// Bytes of the record that are to come.
    missing: usize,
}

impl Records {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            boundary: Boundary::default(),
        }
    }

    /// Whether every record that began has come in full.
    pub(crate) fn are_whole(&self) -> bool {
        self.boundary.header == 0 && self.boundary.missing == 0
    }

    pub(crate) fn into_inner(self) -> TcpStream {
        self.tcp
    }
}

impl Boundary {
    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.missing > 0 {
                let skipped = self.missing.min(bytes.len());
                self.missing -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            // The two last bytes of a header are the length; the shift drops what came before.
            self.length = (self.length << 8 | usize::from(*first)) & 0xffff;
            self.header += 1;
            if self.header == HEADER {
                (self.header, self.missing) = (0, self.length);
            }
            bytes = rest;
        }
    }
}

impl AsyncRead for Records {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.tcp).poll_read(context, buffer);
        self.boundary
            .pass(buffer.filled().get(before..).unwrap_or_default());
        result
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_the_ends_of_records_are_boundaries(
            lengths in prop::collection::vec(0usize..600, 1..6),
            piece in 1usize..700,
        ) {
            let mut bytes = Vec::new();
            let mut ends = vec![0];
            for length in lengths {
                bytes.extend([23, 3, 3]);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
                bytes.extend(vec![7; length]);
                ends.push(bytes.len());
            }
            let (mut boundary, mut passed) = (Boundary::default(), 0);
            for part in bytes.chunks(piece) {
                boundary.pass(part);
                passed += part.len();
                prop_assert_eq!(boundary.header == 0 && boundary.missing == 0, ends.contains(&passed));
            }
        }
    }
}
