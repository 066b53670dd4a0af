//! The harness of the end-to-end tests: repositories, servers that fail on purpose, foreign clients, and printers.
//!
//! It drives the project from outside, as processes and over sockets, and fails by panicking: a harness that cannot do
//! its part is a failed test. It must never wait for time: every wait is for an event, and has a limit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness fails by panicking"
)]

pub mod chromium;
pub mod clients;
pub mod cloud;
pub mod debian;
pub mod device;
pub mod dynamic_security;
pub mod firmware;
pub mod fixture;
pub mod gate;
pub mod mosquitto;
pub mod network;
pub mod nginx;
pub mod owner;
pub mod plate;
pub mod postgres;
pub mod printer;
pub mod process;
pub mod proxy;
pub mod release;
pub mod s3;
pub mod seed;
pub mod server;
pub mod skip;
pub mod tls;
pub mod watch;
pub mod web;
pub mod workshop;
