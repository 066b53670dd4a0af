//! The maintainers' commands: a library that plans and does the work, under a thin binary that talks to people.

pub mod progress;
