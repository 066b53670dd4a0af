//! Every point that a conforming client must do, seen from outside: the `tuf-client` process against a web server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod artifacts;
mod delegations;
mod machine;
#[allow(dead_code, reason = "the metadata's own tests use the rest")]
#[path = "../../../manifests/metadata/tests/suite/repository.rs"]
mod repository;
mod rollback;
mod roots;
mod trust;
