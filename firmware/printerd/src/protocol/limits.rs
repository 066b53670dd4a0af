//! The limits on what a client may say, each with the attack that it stops.

/// Bytes of one request. Stops a request that fills the memory; the longest honest ones carry some G-code.
pub(super) const REQUEST: usize = 64 << 10;
/// Objects and lists within each other. Stops a request whose nesting fills the stack; honest ones have four.
pub(super) const DEPTH: usize = 16;
/// Commands in one request. Stops one small request from making the printer write a thousand answers.
pub(super) const COMMANDS: usize = 8;
/// Bytes of a sequence number, and of a command's name. Stops answers as long as the sender likes.
pub(super) const WORD: usize = 64;
/// Bytes of a name or path. Stops reports that carry a request's worth of text for ever.
pub(super) const TEXT: usize = 512;
/// Bytes of G-code in one command. Stops a print job from being smuggled past the checks of archives.
pub(super) const GCODE: usize = 16 << 10;
/// Objects to skip. Stops reports that carry thousands of numbers for ever.
pub(super) const OBJECTS: usize = 256;
