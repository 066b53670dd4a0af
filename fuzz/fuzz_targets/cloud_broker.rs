//! Arbitrary bytes as a broker of the cloud, cut anywhere: the link answers or gives up, and keeps to its window.
#![no_main]

use libfuzzer_sys::fuzz_target;
use printerd::cloud::{Version, fuzzing};

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (five, cut, bytes) = input;
    let version = if five { Version::V5 } else { Version::V311 };
    fuzzing::broker(version, bytes, cut.into());
});
