//! The printer's card: files under one folder that nothing leaves, each whole or not there.
//!
//! It knows nothing of networks or print jobs.

#![forbid(unsafe_code)]
