//! Command lines off a stream, bounded, and wiped: a line may hold the access code.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use super::limits::LINE_BYTES;

/// One line without its end.
pub(crate) type Line = Zeroizing<Vec<u8>>;

/// What was read of a stream and is no line yet.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

/// Why there is no further line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// The peer has closed; a line without its end counts for nothing.
    #[error("the client has closed the connection")]
    Closed,
    /// More than the limit came without a line's end.
    #[error("the command line is too long")]
    TooLong,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Zeroizing::new(vec![0; LINE_BYTES]),
            filled: 0,
        }
    }

    /// The next line. Dropping the future loses nothing.
    pub(crate) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Line, LineError> {
        loop {
            if let Some(line) = self.take() {
                return Ok(line);
            }
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            if free.is_empty() {
                return Err(LineError::TooLong);
            }
            match stream.read(free).await {
                Ok(0) => return Err(LineError::Closed),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(LineError::Closed);
                }
                Err(error) => return Err(LineError::Io(error)),
            }
        }
    }

    fn take(&mut self) -> Option<Line> {
        let filled = self.buffer.get(..self.filled)?;
        let end = filled.iter().position(|byte| *byte == b'\n')?;
        let line = filled.get(..end)?;
        let line = Zeroizing::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        self.buffer.copy_within(end + 1..self.filled, 0);
        self.filled -= end + 1;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    fn all(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, LineError) {
        block_on(async {
            let (mut client, mut server) = tokio::io::duplex(piece);
            let mut lines = Lines::new();
            let mut found = Vec::new();
            let write = async {
                use tokio::io::AsyncWriteExt as _;
                // The reader may have given up.
                let _ = client.write_all(bytes).await;
                drop(client);
            };
            let read = async {
                let end = loop {
                    match lines.next(&mut server).await {
                        Ok(line) => found.push(line.to_vec()),
                        Err(error) => break error,
                    }
                };
                drop(server);
                end
            };
            let ((), end) = tokio::join!(write, read);
            (found, end)
        })
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return() {
        let (lines, end) = all(b"USER bblp\r\nPASS x\nNOOP", 3);
        assert_eq!(lines, [b"USER bblp".to_vec(), b"PASS x".to_vec()]);
        assert!(matches!(end, LineError::Closed));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (lines, end) = all(&vec![b'x'; 1 << 20], 4096);
        assert!(lines.is_empty());
        assert!(matches!(end, LineError::TooLong));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(lines in prop::collection::vec("[ -~]{0,40}", 0..20), piece in 1usize..50) {
            let bytes: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (found, _) = all(bytes.as_bytes(), piece);
            let wanted: Vec<_> = lines.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
