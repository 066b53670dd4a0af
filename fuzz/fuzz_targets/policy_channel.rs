//! Arbitrary bytes as a channel manifest, as if its signatures held: what can be read is written to the same manifest,
//! and a printer chooses nothing from it that is not for it.
#![no_main]

use firstlayer_policy::{Channel, ChannelManifest, Choice, Limits, Printer, Wishes, choose};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let channel: Channel = "stable".parse().unwrap();
    let limits = Limits::default();
    let Ok(manifest) = ChannelManifest::parse(bytes, &channel, &limits) else {
        return;
    };
    let written = manifest.to_bytes().unwrap();
    // Spaces and escapes may make the document longer than what was read.
    if written.len() <= limits.bytes {
        let again = ChannelManifest::parse(&written, &channel, &limits).unwrap();
        assert_eq!(again, manifest);
    }
    if let Some(printer) = printer(&manifest)
        && let Choice::Install(release) = choose(&manifest, &printer).choice
    {
        assert_eq!(release.board, printer.board);
        assert!(release.models.contains(&printer.model) && release.yanked.is_none());
    }
});

/// One that the first release serves, and that is older than all of them.
fn printer(manifest: &ChannelManifest) -> Option<Printer> {
    let release = manifest.releases().first()?;
    Some(Printer {
        board: release.board.clone(),
        model: release.models.first()?.clone(),
        version: "0.0.0-0".parse().unwrap(),
        counter: release.counter,
        refused: Vec::new(),
        wishes: Wishes::default(),
        serial: None,
        now: "2026-01-01T00:00:00Z".parse().unwrap_or_default(),
    })
}
