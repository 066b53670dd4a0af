//! Arbitrary bytes as a census, plain or as zstd: nothing of them is believed, what can be read has its bytes' hash, and
//! the same bytes in other pieces are the same census.
#![no_main]

use std::io::Read;

use firstlayer_bundle::Sha256;
use firstlayer_census::{Groups, Limits, read_from};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        bytes: 1 << 20,
        names: 64,
        groups: 256,
        threads: 2,
        ..Limits::default()
    };
    let whole = read_from(bytes, "census", &limits, |_| {});
    let pieces = read_from(Pieces(bytes), "census", &limits, |_| {});
    match (whole, pieces) {
        (Ok((groups, hash)), Ok(again)) => {
            assert_eq!((&groups, hash), (&again.0, again.1));
            assert_eq!(hash, Sha256::of(bytes));
            assert_eq!(groups, groups.iter().collect::<Groups>());
            assert!(groups.total() >= groups.len() as u64);
        }
        (Err(_), Err(_)) => {}
        (one, other) => panic!("{one:?} and {other:?}"),
    }
});

/// Gives seven bytes at a time.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(7);
        self.0.read(&mut buffer[..count])
    }
}
