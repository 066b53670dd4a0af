//! The whole way as its users go it: maintainers, foreign clients, and emulated printers. One module a theme.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

mod attacks;
mod bundles;
mod capabilities;
mod census;
mod cloud;
mod demo;
mod gate;
mod harness;
mod interop;
mod lan;
mod look;
mod page;
mod printers;
mod releases;
mod transfers;
