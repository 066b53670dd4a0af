//! Arbitrary bytes as a client of the printer's broker, before its login and after: what it can make the broker keep is
//! bounded.
#![no_main]

use firstlayer_lan::mqtt::fuzzing::{Start, client};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (start, piece, bytes) = input;
    let start = match start % 3 {
        0 => Start::Stranger,
        1 => Start::MemberOf3,
        _ => Start::MemberOf5,
    };
    client(start, bytes, piece.into());
});
