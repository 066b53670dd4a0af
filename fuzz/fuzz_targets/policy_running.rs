//! Arbitrary bytes as an image's release file: what can be read is written to the same release.
#![no_main]

use firstlayer_policy::RunningRelease;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(release) = RunningRelease::parse(bytes) {
        let written = release.to_bytes().unwrap();
        // Spaces may make the file longer than what is read.
        if written.len() <= 64 << 10 {
            assert_eq!(RunningRelease::parse(&written).unwrap(), release);
        }
    }
});
