//! The maintainers' commands: a library that plans and does the work, under a thin binary that talks to people.

mod anchor;
pub mod board;
pub mod build;
pub mod channel;
pub mod checkout;
pub mod clean;
pub mod doctor;
pub mod enforce;
pub mod error;
pub mod period;
pub mod probe;
pub mod problems;
pub mod progress;
pub mod release;
pub mod repository;
pub mod serve;
pub mod source;
pub mod status;
pub mod toolchain;
pub mod validate;
pub mod version;
