//! Releases with their evidence, and trials, as a test wants them.

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::Result;
use firstlayer_bundle::{Counter, ManifestDigest, Sha256};
use firstlayer_policy::{BundleTarget, Release};
use jiff::Timestamp;
use xtask::enforce::{Case, Trial, Tried};

use super::stable;

/// Trials that come out as a test says.
#[derive(Default)]
pub(in crate::enforce) struct Told {
    /// By version; the others read everything.
    pub(in crate::enforce) outcomes: BTreeMap<String, Tried>,
    /// How many were carried out.
    pub(in crate::enforce) count: Cell<usize>,
}

impl Trial for Told {
    fn attempt(&self, case: &Case<'_>) -> Result<Tried> {
        self.count.set(self.count.get() + 1);
        let known = self.outcomes.get(&case.release.version.to_string());
        Ok(known.cloned().unwrap_or_else(|| Tried::Reads {
            offered: Some("1.4.0".parse().unwrap()),
        }))
    }
}

pub(super) fn release(version: &str, built: &str, board: &str, model: &str) -> Release {
    let (version, board) = (version.parse().unwrap(), board.parse().unwrap());
    let target = Release::bundle_name(&stable(), &version, &board);
    let sha256 = Sha256::of(target.as_bytes());
    Release {
        bundle: BundleTarget {
            target,
            length: 1 << 20,
            sha256,
            manifest: ManifestDigest {
                length: 1000,
                sha256,
            },
        },
        models: vec![model.parse().unwrap()],
        counter: Counter::default(),
        built: built.parse::<Timestamp>().unwrap(),
        commit: None,
        capabilities: Default::default(),
        evidence: None,
        floor: None,
        waves: Vec::new(),
        yanked: None,
        version,
        board,
    }
}

/// What the probe would have written about this release.
pub(in crate::enforce) fn evidence(release: &Release, capabilities: &[&str]) -> Vec<u8> {
    let measured: Vec<_> = capabilities
        .iter()
        .map(|name| serde_json::json!({ "capability": name, "verdict": "has" }))
        .collect();
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{
            "name": release.bundle.target,
            "digest": { "sha256": release.bundle.sha256 },
        }],
        "predicateType": "urn:firstlayer:evidence:v1",
        "predicate": { "capabilities": measured },
    });
    serde_json::to_vec(&statement).unwrap()
}
