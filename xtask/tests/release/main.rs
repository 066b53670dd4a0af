//! Releases with the whole pipeline but the cross-compiler, whose place a file takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on stops"
)]

mod child;
mod claims;
mod configuration;
mod crash;
mod enforce;
mod flow;
mod production;
mod refusals;
mod reproducible;
mod serving;
mod spoilt;
mod workshop;
