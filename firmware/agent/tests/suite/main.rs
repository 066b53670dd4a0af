//! The agent as a whole, over real slots in a folder and a real repository.

// Clippy spares test functions by itself, and not the helpers that they call.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod crash;
mod hostile;
mod lifecycle;
mod network;
mod printer;
mod repository;
mod wishes;
