//! Releases and manifests for this crate's tests.

use std::collections::BTreeSet;

use firstlayer_bundle::{Counter, ManifestDigest, Sha256};
use semver::Version;

use crate::{BundleTarget, ChannelManifest, EvidenceTarget, Release};

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// A release of `stable` for the first-mini; its hash depends on its version alone.
pub(crate) fn release(text: &str, counter: u64) -> Release {
    let sha256 = Sha256::of(text.as_bytes());
    Release {
        version: version(text),
        board: "virt-armv7".parse().unwrap(),
        models: vec!["first-mini".parse().unwrap()],
        counter: Counter::new(counter).unwrap(),
        built: "2026-01-02T03:04:05Z".parse().unwrap(),
        commit: None,
        bundle: BundleTarget {
            target: format!("stable-{text}-virt-armv7.bundle"),
            length: 1 << 20,
            sha256,
            manifest: ManifestDigest {
                length: 1000,
                sha256,
            },
        },
        capabilities: BTreeSet::new(),
        evidence: None,
        floor: None,
        waves: Vec::new(),
        yanked: None,
    }
}

pub(crate) fn manifest(releases: Vec<Release>) -> ChannelManifest {
    ChannelManifest::new("stable".parse().unwrap(), releases).unwrap()
}

/// The same, with what it was measured to be able to do.
pub(crate) fn measured(text: &str, counter: u64, capabilities: &[&str]) -> Release {
    let mut release = release(text, counter);
    release.capabilities = capabilities
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    release.evidence = Some(EvidenceTarget {
        target: format!("stable-{text}-virt-armv7.evidence.json"),
        length: 1000,
        sha256: Sha256::of(format!("evidence of {text}").as_bytes()),
    });
    release
}
