//! Where a download goes on the card: a name that says which file it is, and of which URL and version.
//!
//! So the card is the cache. A file of that name is the file; a partial file of that name is its beginning, also after
//! a restart. The query is not part of it: a presigned link is new each time, and is for the same file.

use firstlayer_card::CardPath;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use ring::digest::{Context, SHA256};

use super::limits::NAME;

/// What a job may be.
const ENDINGS: [&str; 3] = [".gcode.3mf", ".3mf", ".gcode"];
const FINGERPRINT_BYTES: usize = 8;

/// The file's place in `cache/`. Without an entity tag it is no cache: nothing says that a later file is the same.
pub(super) fn place(url: &Url, etag: Option<&str>) -> Option<CardPath> {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    let name = percent_decode_str(last).decode_utf8_lossy();
    let (stem, ending) = split(&name);
    let (stem, fingerprint) = (tame(stem), fingerprint(url, etag));
    CardPath::parse(
        &format!("cache/{stem}-{fingerprint}{ending}"),
        &CardPath::root(),
    )
    .ok()
}

/// Whether a name in `cache/` is one of ours, and not an owner's own.
pub(super) fn is_ours(name: &str) -> bool {
    let (stem, ending) = split(name);
    let fingerprint = stem.rsplit_once('-').map_or("", |(_, digits)| digits);
    name.len() == stem.len() + ending.len()
        && fingerprint.len() == FINGERPRINT_BYTES * 2
        && fingerprint
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Of the URL without its query, and of the version of the file.
fn fingerprint(url: &Url, etag: Option<&str>) -> String {
    let mut context = Context::new(&SHA256);
    for part in [
        url.host_str().unwrap_or_default(),
        &url.port().unwrap_or_default().to_string(),
        url.path(),
        etag.unwrap_or_default(),
    ] {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    let digest = context.finish();
    let bytes = digest.as_ref().iter().take(FINGERPRINT_BYTES);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// What has no ending of a job gets that of a 3MF, and is judged by what is in it.
fn split(name: &str) -> (&str, &'static str) {
    for ending in ENDINGS {
        let at = name.len().saturating_sub(ending.len());
        if let Some((stem, found)) = name.split_at_checked(at)
            && found.eq_ignore_ascii_case(ending)
        {
            return (stem, ending);
        }
    }
    (name, ".3mf")
}

/// Letters and digits of any script, and little else: the name is shown, listed, and typed.
fn tame(stem: &str) -> String {
    let mut tame = String::new();
    for c in stem.chars() {
        let kept = c.is_alphanumeric() || "-_+ ".contains(c);
        let c = if kept { c } else { '_' };
        if tame.len() + c.len_utf8() > NAME {
            break;
        }
        tame.push(c);
    }
    match tame.trim() {
        "" => "file".to_owned(),
        tame => tame.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(url: &str, etag: Option<&str>) -> String {
        place(&Url::parse(url).unwrap(), etag).unwrap().to_string()
    }

    #[test]
    fn a_new_link_to_the_same_file_has_the_same_place() {
        let first = at("https://a.example/m/cube.gcode.3mf?sig=1", Some("\"x\""));
        let second = at("https://a.example/m/cube.gcode.3mf?sig=2", Some("\"x\""));
        assert_eq!(first, second);
        assert!(
            first.starts_with("/cache/cube-") && first.ends_with(".gcode.3mf"),
            "{first}"
        );
    }

    #[test]
    fn another_version_or_another_file_has_another_place() {
        let first = at("https://a.example/m/cube.3mf", Some("\"x\""));
        assert_ne!(first, at("https://a.example/m/cube.3mf", Some("\"y\"")));
        assert_ne!(first, at("https://a.example/n/cube.3mf", Some("\"x\"")));
        assert_ne!(first, at("https://b.example/m/cube.3mf", Some("\"x\"")));
    }

    #[test]
    fn what_an_owner_put_there_is_told_from_what_was_fetched() {
        let ours = at("https://a.example/m/cube.3mf", None);
        assert!(is_ours(ours.trim_start_matches("/cache/")));
        for name in [
            "cube.3mf",
            "cube-0123.3mf",
            "a-0123456789abcdef",
            "a-0123456789ABCDEF.3mf",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_only_names() {
        for name in [
            "..%2F..%2Fetc%2Fpasswd",
            "%00",
            ".upload-x.3mf",
            "...",
            "",
            "a%5Cb",
            "%ff",
        ] {
            let path = at(&format!("https://a.example/{name}"), None);
            assert_eq!(path.matches('/').count(), 2, "{path}");
            assert!(path.starts_with("/cache/"), "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_url_has_a_place(path in ".{0,300}", etag in proptest::option::of(".*")) {
            if let Ok(url) = Url::parse(&format!("https://a.example/{path}")) {
                prop_assert!(place(&url, etag.as_deref()).is_some());
            }
        }
    }
}
