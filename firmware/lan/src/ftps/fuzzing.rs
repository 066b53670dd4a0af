//! Entry point for a fuzz target; no part of the API.

use super::command::Command;
use super::limits::LINE_BYTES;

/// A line of a control connection, without its end: it is a command, or refused. Its paths are still texts, whose own
/// target is `card_path`.
///
/// # Panics
/// A refusal has a code that is no refusal's.
pub fn line(line: &[u8]) {
    let line = line.get(..LINE_BYTES).unwrap_or(line);
    if let Err(refused) = Command::parse(line) {
        assert!((500..600).contains(&refused.code()));
    }
}
