//! `FORMAT.md` tells the truth: its example is what the writer writes.

use std::{io::Cursor, num::NonZeroUsize};

use firstlayer_bundle::{Counter, Identity, Options, Sha256, write};

use crate::support::{extract, source};

const DOCUMENT: &str = include_str!("../../FORMAT.md");

/// Asserts that the document has these words, wherever its lines break.
fn documented(words: &str) {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert!(
        squeezed(DOCUMENT).contains(&squeezed(words)),
        "FORMAT.md lacks {words}"
    );
}

#[test]
fn the_example_is_what_the_writer_writes() {
    let identity = Identity {
        board: "virt-armv7".parse().unwrap(),
        models: vec!["p1".parse().unwrap()],
        version: "1.2.3".parse().unwrap(),
        counter: Counter::new(7).unwrap(),
    };
    let options = Options {
        threads: NonZeroUsize::MIN,
        ..Options::default()
    };
    let mut bytes = Vec::new();
    let images = vec![source("root", b"hello\n")];
    let written = write(
        identity,
        images,
        &mut Cursor::new(vec![]),
        &mut bytes,
        &options,
    )
    .unwrap();
    let manifest = &bytes[512..512 + written.digest.length as usize];
    documented(std::str::from_utf8(manifest).unwrap());
    let frame = bytes[1536..1551]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    documented(&format!("```{frame}```"));
    documented(&format!(
        "length {}, SHA-256 `{}`",
        manifest.len(),
        Sha256::of(manifest)
    ));
    documented(&format!(
        "{} bytes, SHA-256 `{}`",
        bytes.len(),
        written.sha256
    ));
    assert_eq!(extract(&bytes, &written.digest).unwrap(), [b"hello\n"]);
}
