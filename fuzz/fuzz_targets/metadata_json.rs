//! Strict JSON in, canonical JSON out: what came out once comes out unchanged if it can be read again.
#![no_main]

use firstlayer_metadata::fuzzing::canonical_from_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(canonical) = canonical_from_bytes(bytes) {
        // Canonical JSON does not escape control characters, and strict JSON does not take them bare.
        if let Some(again) = canonical_from_bytes(&canonical) {
            assert_eq!(again, canonical);
        }
    }
});
