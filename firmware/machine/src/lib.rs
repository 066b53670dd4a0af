//! The machine that prints: what a print archive must be, and a simulated machine that executes its G-code.
//!
//! It opens no socket and reads no clock: whoever drives it says how much time has passed.

#![forbid(unsafe_code)]
