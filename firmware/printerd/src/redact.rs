//! How URLs look in logs and errors: a presigned URL is a secret, and what it may be told apart by is public.
//!
//! It must never show a signature, a session token, a user's name or password, a fragment, or the value of any query
//! key that is not known to be public: a list of secret keys would always lack the next one.

use reqwest::Url;

/// Query keys whose values are public, lower-case, each with what its value must look like to be shown.
const PUBLIC: &[(&str, Public)] = &[
    ("x-amz-algorithm", Public::Word),
    ("x-amz-credential", Public::KeyId),
    ("x-amz-date", Public::Word),
    ("x-amz-expires", Public::Word),
    ("awsaccesskeyid", Public::KeyId),
    ("googleaccessid", Public::KeyId),
    ("expires", Public::Word),
];
/// Keys that may be named, so that a reader sees that the URL was signed; their values are never shown.
const NAMED: &[&str] = &[
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-signedheaders",
    "signature",
    "sig",
    "token",
];
/// Shown of a path or a value; a log line is no place for a URL of 8 KiB.
const LONGEST_PATH: usize = 200;
const LONGEST_VALUE: usize = 64;

#[derive(Clone, Copy)]
enum Public {
    /// The whole value, if it is letters, digits and `-_.`.
    Word,
    /// The id of the key, which stands before the first `/` of its scope.
    KeyId,
}

/// A URL as it may be seen.
pub fn url(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    // What is no hierarchy (`data:…`) has no path that is known to be public.
    shown.push_str(&if url.cannot_be_a_base() {
        "…".to_owned()
    } else {
        cut(url.path(), LONGEST_PATH)
    });
    let mut separator = '?';
    let mut others = false;
    for (key, value) in url.query_pairs() {
        match pair(&key, &value) {
            Some(pair) => {
                shown.push(separator);
                shown.push_str(&pair);
                separator = '&';
            }
            None => others = true,
        }
    }
    if others {
        shown.push(separator);
        shown.push('…');
    }
    shown
}

/// A text in which every URL is as it may be seen, and every word that only looks like one is gone.
pub fn text(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(ends) {
        let word = part.trim_end_matches(ends);
        let end = part.get(word.len()..).unwrap_or_default();
        if word.contains("://") || word.contains(":\\/\\/") {
            shown.push_str(&embedded(word));
        } else {
            shown.push_str(word);
        }
        shown.push_str(end);
    }
    shown
}

/// `prefix(https://…` as it may be seen; the scheme begins at its first letter.
fn embedded(word: &str) -> String {
    let Some(colon) = word.find("://") else {
        return "…".to_owned();
    };
    let start = word
        .get(..colon)
        .unwrap_or_default()
        .rfind(|c: char| !c.is_ascii_alphanumeric())
        .map_or(0, |at| at + 1);
    let (before, rest) = word.split_at_checked(start).unwrap_or(("", word));
    // The first of two URLs in one word would be the other's disguise.
    if before.contains("://") || before.contains('?') {
        return "…".to_owned();
    }
    match Url::parse(rest) {
        Ok(parsed) => format!("{before}{}", url(&parsed)),
        Err(_) => format!("{before}…"),
    }
}

/// The pair as it may be seen, or nothing of it.
fn pair(key: &str, value: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    if let Some((_, public)) = PUBLIC.iter().find(|(name, _)| *name == lower) {
        let value = match public {
            Public::Word => value,
            Public::KeyId => value.split('/').next().unwrap_or_default(),
        };
        let shown = if is_plain(value) { value } else { "…" };
        return Some(format!("{key}={shown}"));
    }
    NAMED.contains(&lower.as_str()).then(|| format!("{key}=…"))
}

/// An address of a service account is a key id too, hence the `@`.
fn is_plain(value: &str) -> bool {
    value.len() <= LONGEST_VALUE
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRESIGNED: &str = "https://owner:hunter2@files.example.org:9000/models/cube.3mf?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAEXAMPLE%2F20261123%2Feu%2Fs3%2Faws4_request&X-Amz-Date=20261123T100000Z&X-Amz-Expires=600\
        &X-Amz-SignedHeaders=host&X-Amz-Security-Token=tokentoken&X-Amz-Signature=deadbeef&other=secret#fragment";

    #[test]
    fn a_presigned_url_shows_its_key_id_and_no_secret() {
        let shown = url(&Url::parse(PRESIGNED).unwrap());
        assert_eq!(
            shown,
            "https://files.example.org:9000/models/cube.3mf?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAEXAMPLE&X-Amz-Date=20261123T100000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=…\
             &X-Amz-Security-Token=…&X-Amz-Signature=…&…"
        );
    }

    #[test]
    fn a_secret_in_the_place_of_a_public_value_is_not_shown() {
        for query in [
            "Expires=a%20secret%20with%20spaces",
            "X-Amz-Date=%22%0A",
            "secret",
        ] {
            let url = Url::parse(&format!("https://example.org/x?{query}")).unwrap();
            assert!(super::url(&url).ends_with('…'), "{query}");
        }
    }

    #[test]
    fn urls_in_a_text_are_redacted_and_the_rest_stays() {
        let shown = text(&format!(
            "{{\"url\": \"{PRESIGNED}\", \"param\": \"Metadata/plate_1.gcode\"}}"
        ));
        assert!(
            !shown.contains("deadbeef") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert!(
            shown.ends_with("\", \"param\": \"Metadata/plate_1.gcode\"}"),
            "{shown}"
        );
    }

    #[test]
    fn a_url_behind_another_or_escaped_is_not_shown() {
        for word in [
            "https://a.example/?u=https://b.example/?sig=deadbeef",
            r"https:\/\/b.example\/?sig=deadbeef",
            "(see:https://b.example/?sig=deadbeef)",
            "https://[broken/?sig=deadbeef",
        ] {
            assert!(!text(word).contains("deadbeef"), "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_value_of_an_unknown_key_is_ever_shown(key in "[a-zA-Z_-]{1,20}", secret in "[a-z0-9]{24}") {
            prop_assume!(!PUBLIC.iter().any(|(name, _)| name.eq_ignore_ascii_case(&key)));
            let url = format!("https://example.org/a/b?one=two&{key}={secret}&{secret}");
            prop_assert!(!super::url(&Url::parse(&url).unwrap()).contains(&secret));
            let shown = text(&format!("fetching {url} failed"));
            prop_assert!(!shown.contains(&secret));
        }

        #[test]
        fn any_text_is_taken(any in ".*") {
            text(&any);
        }
    }
}
