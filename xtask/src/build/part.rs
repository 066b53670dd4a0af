//! Parts that a build of the firmware may leave out, to have it as it was before it could do something.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A part of `printerd`, a feature of its package that is built by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Job files over HTTPS.
    HttpsTransfer,
}

/// Parts that are left out; none in what is meant for printers in the field.
pub type LeftOut = BTreeSet<Part>;

impl Part {
    const ALL: [Self; 1] = [Self::HttpsTransfer];

    /// As the feature is called, and the capability that it gives.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HttpsTransfer => "https-transfer",
        }
    }
}

/// What cargo is told, so that everything but these is built.
pub(super) fn features(left_out: &LeftOut, others: &[&str]) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut features: Vec<_> = others.to_vec();
    if !left_out.is_empty() {
        arguments.push("--no-default-features".to_owned());
        let kept = Part::ALL.iter().filter(|part| !left_out.contains(part));
        features.extend(kept.map(|part| part.as_str()));
    }
    if !features.is_empty() {
        arguments.extend(["--features".to_owned(), features.join(",")]);
    }
    arguments
}

/// For folders, hashes and people: ` without https-transfer`, or nothing.
pub(crate) fn described(left_out: &LeftOut) -> String {
    let names: Vec<_> = left_out.iter().map(|part| part.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" without {}", names.join(", ")),
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|part| part.as_str() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|part| part.as_str()).collect();
            format!("accepted are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../../firmware/printerd/Cargo.toml");

    #[test]
    fn the_parts_are_the_features_that_are_built_by_default() {
        let manifest: toml::Table = MANIFEST.parse().unwrap();
        let default = manifest["features"]["default"].as_array().unwrap();
        let default: Vec<_> = default.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(default, Part::ALL.map(Part::as_str));
    }

    #[test]
    fn only_what_is_left_out_is_not_built() {
        let left_out = LeftOut::from(Part::ALL);
        assert_eq!(features(&LeftOut::new(), &[]), [""; 0]);
        assert_eq!(
            features(&LeftOut::new(), &["production"]),
            ["--features", "production"]
        );
        assert_eq!(features(&left_out, &[]), ["--no-default-features"]);
    }
}
