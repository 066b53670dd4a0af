//! The gate in one process: real signatures over a real repository in a folder, a real database, requests and answers.

// Clippy spares test functions by itself, and not the helpers that they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod attacks;
mod authorize;
mod decisions;
mod devices;
mod files;
mod gate;
mod mqtt;
mod overview;
mod process;
mod repository;
mod restart;
mod rules;
mod secrets;
mod server;
mod standing;
mod swap;
