//! A presigned URL between arbitrary words: its secret is in no log line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use printerd::redact;

const SECRET: &str = "5ecre75igna7ure5ecre75igna7ure";

fuzz_target!(|input: (&str, &str, &str)| {
    let (before, key, after) = input;
    if [before, key, after]
        .iter()
        .any(|text| text.contains(SECRET))
    {
        return; // Shown for what it is there, which is no signature.
    }
    let signed = format!("https://models.example.org/a.3mf?{key}&X-Amz-Signature={SECRET}");
    if let Ok(url) = signed.parse() {
        assert!(!redact::url(&url).contains(SECRET));
    }
    // A URL that is written out ends at a blank; one that was parsed has none.
    if !key.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>".contains(c)) {
        assert!(!redact::text(&format!("{before} {signed} {after}")).contains(SECRET));
    }
});
