//! Arbitrary bytes as the metadata of every role, as if their signatures held.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| firstlayer_metadata::fuzzing::read_every_role(bytes));
