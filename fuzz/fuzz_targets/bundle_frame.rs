//! One frame, signed whatever it holds: it decompresses to the length that the manifest tells, or not at all.
#![no_main]

use firstlayer_bundle::{Decoder, Limits, Manifest, ManifestDigest, Sha256};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, &[u8])| {
    let (length, stored) = input;
    let Some(manifest) = manifest(length, stored) else {
        return;
    };
    let frame = &manifest.payloads()[0].frames[0];
    let mut raw = Vec::new();
    if Decoder::new()
        .unwrap()
        .decode(frame, stored, &mut raw)
        .is_ok()
    {
        assert_eq!(raw.len() as u64, u64::from(length));
    }
});

/// A manifest of this one frame, if the limits allow it.
fn manifest(length: u32, stored: &[u8]) -> Option<Manifest> {
    let (stored_length, hash) = (stored.len(), Sha256::of(stored));
    let frame = format!(
        r#"{{"length":{length},"sha256":"{hash}","stored":{{"length":{stored_length},"sha256":"{hash}"}}}}"#
    );
    let payload =
        format!(r#"{{"name":"root","length":{length},"sha256":"{hash}","frames":[{frame}]}}"#);
    let json = format!(
        r#"{{"format":1,"board":"b","models":["m"],"version":"1.0.0","counter":1,"payloads":[{payload}]}}"#
    );
    let digest = ManifestDigest {
        length: json.len() as u64,
        sha256: Sha256::of(json.as_bytes()),
    };
    Manifest::verify(json.as_bytes(), &digest, &Limits::default()).ok()
}
