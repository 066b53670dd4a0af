//! The maintainers' commands: a library that plans and does the work, under a thin binary that talks to people.

pub mod board;
pub mod build;
pub mod channel;
pub mod checkout;
pub mod doctor;
pub mod error;
pub mod problems;
pub mod progress;
pub mod release;
pub mod repository;
pub mod source;
pub mod toolchain;
pub mod version;
