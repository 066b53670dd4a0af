//! Arbitrary bytes as a line on FTP's control connection.
#![no_main]

use firstlayer_lan::ftps::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| fuzzing::line(line));
