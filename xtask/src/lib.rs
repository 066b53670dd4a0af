//! The maintainers' commands: a library that plans and does the work, under a thin binary that talks to people.

pub mod board;
pub mod build;
pub mod checkout;
pub mod doctor;
pub mod error;
pub mod progress;
pub mod toolchain;
