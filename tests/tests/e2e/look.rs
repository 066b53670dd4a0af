//! What holds for every page of ours in a browser, and its picture.

use std::fs;
use std::path::Path;

use firstlayer_tests::chromium::{Page, colours};

/// It shows these texts, does not scroll sideways, asked for nothing but itself, and complained of nothing.
pub(crate) fn assert_sound(page: &mut Page<'_>, url: &str, texts: &[&str]) {
    let overflow = "document.documentElement.scrollWidth - window.innerWidth";
    assert_eq!(page.evaluate(overflow), 0, "it scrolls sideways");
    let text = page.evaluate("document.body.innerText");
    let text = text.as_str().unwrap();
    for part in texts {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_eq!(page.requests, [url]);
    assert_eq!(page.complaints, [""; 0]);
}

/// Kept, for people to look at.
pub(crate) fn picture(page: &mut Page<'_>, name: &str) -> Vec<u8> {
    let picture = page.screenshot();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
    fs::write(file, &picture).unwrap();
    assert!(colours(&picture) > 20, "{name} is blank");
    picture
}
