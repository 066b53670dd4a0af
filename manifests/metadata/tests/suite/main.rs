//! Whole repositories against the client, honest and hostile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// The error must be of this kind, and blame the repository.
macro_rules! assert_refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $result.err().expect("was accepted");
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        assert_eq!(error.fault(), firstlayer_metadata::Fault::Repository);
    };
}

mod anchors;
mod attacks;
mod attacks_on_signatures;
mod authoring;
mod conforming;
mod delegations;
#[cfg(feature = "foreign-keys")]
mod foreign;
mod limits;
mod printer;
mod properties;
#[allow(dead_code, reason = "the conformance tests use the rest")]
mod repository;
mod rollback;
