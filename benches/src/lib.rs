//! Measures what is promised of speed, size and memory, each beside its peer in the same run:
//! `cargo bench -p firstlayer-benches`.
//!
//! Every figure is a ratio, so that a slow or busy machine meets both sides alike. Nothing here fails because something
//! was slow: a row says whether it held, and only what could not be measured makes the command fail.

#![forbid(unsafe_code)]

mod arguments;
mod bench;
mod census;
mod group;
mod image;
mod load;
mod printer;
mod process;
mod program;
mod report;
mod repository;
mod rounds;
mod writing;

pub use arguments::main;
