//! Path patterns of delegations.

use serde::{Deserialize, Serialize};

use crate::name::TargetPath;

/// A pattern for target paths: `*` stands for any characters and `?` for one, neither of them for `/`.
/// All other characters stand for themselves, brackets too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathPattern(String);

impl PathPattern {
    /// Any text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as the metadata has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path matches, part by part. Takes time in proportion to the product of both lengths at most.
    pub fn matches(&self, path: &TargetPath) -> bool {
        let (mut patterns, mut parts) = (self.0.split('/'), path.as_str().split('/'));
        loop {
            match (patterns.next(), parts.next()) {
                (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
                (None, None) => return true,
                _ => return false,
            }
        }
    }
}

/// Matches greedily from the left; where that fails, only the last `*` is tried again, one character longer.
fn part_matches(pattern: &str, part: &str) -> bool {
    let (mut pattern, mut part) = (pattern.chars(), part.chars());
    let mut last_star = None;
    loop {
        let before = part.clone();
        match (pattern.next(), part.next()) {
            (Some('*'), _) => {
                last_star = Some((pattern.clone(), before.clone()));
                part = before;
            }
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == '?' || expected == found => {}
            _ => {
                let Some((after_star, longer)) = &mut last_star else {
                    return false;
                };
                if longer.next().is_none() {
                    return false;
                }
                (pattern, part) = (after_star.clone(), longer.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::new(pattern).matches(&path.parse().unwrap())
    }

    #[test]
    fn wildcards_match_within_one_part() {
        for (pattern, path) in [
            ("*", "a"),
            ("*.tgz", "foo.tgz"),
            ("foo-?.tgz", "foo-1.tgz"),
            ("a*b*c", "aXbbYc"),
            ("a*", "a"),
            ("**", "abc"),
            ("*/*", "a/b"),
            ("stable-*", "stable-1.0.0-virt.bundle"),
            ("?", "é"),
            ("[a]", "[a]"),
        ] {
            assert!(matches(pattern, path), "{pattern} should match {path}");
        }
    }

    #[test]
    fn wildcards_do_not_match_the_separator() {
        for (pattern, path) in [
            ("*", "a/b"),
            ("a*", "a/b"),
            ("a?b", "a/b"),
            ("*/*", "a"),
            ("*/*", "a/b/c"),
            ("foo-?.tgz", "foo-alpha.tgz"),
            ("*.md", "README.MD"),
            ("a*b*c", "aXbY"),
            ("", "a"),
            ("a", "ab"),
            ("?", "ab"),
            ("[a]", "a"),
        ] {
            assert!(!matches(pattern, path), "{pattern} should not match {path}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"a*".repeat(2_000), &"a".repeat(1_999)));
        assert!(!matches(&("*a".repeat(500) + "b"), &"a".repeat(2_000)));
    }
}
