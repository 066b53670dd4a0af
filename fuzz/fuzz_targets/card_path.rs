//! Arbitrary texts as paths on the card: each is refused, or stays below the card and reads back from what it shows.
#![no_main]

use firstlayer_card::CardPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (folder, text) = input;
    let root = CardPath::root();
    let folder = CardPath::parse(folder, &root).unwrap_or(root.clone());
    let Ok(path) = CardPath::parse(text, &folder) else {
        return;
    };
    assert!(!path.as_str().starts_with('/'));
    assert!(path.as_str().split('/').all(|name| name != ".."));
    assert!(!path.as_str().contains(char::is_control));
    assert_eq!(CardPath::parse(&path.to_string(), &root).unwrap(), path);
    assert_eq!(path.is_root(), path.name().is_none());
});
