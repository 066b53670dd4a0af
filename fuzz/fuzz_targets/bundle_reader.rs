//! A whole bundle, its manifest signed whatever it says: the reader ends with an error or a good bundle, and never
//! panics. The first two bytes tell the manifest's length.
#![no_main]

use firstlayer_bundle::{Limits, ManifestDigest, Reader, Sha256};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (length, bytes) = input;
    let manifest = bytes
        .get(512..)
        .and_then(|rest| rest.get(..length.into()))
        .unwrap_or_default();
    let digest = ManifestDigest {
        length: length.into(),
        sha256: Sha256::of(manifest),
    };
    if let Ok(reader) = Reader::new(bytes, &digest, &Limits::default()) {
        let length = reader.manifest().bundle_length();
        if reader.read(|_, _| Ok(())).is_ok() {
            assert_eq!(length, bytes.len() as u64);
        }
    }
});
