//! The evidence for a release's claims: an in-toto Statement (v1) over its bundle, as a file.
//!
//! Source: the in-toto attestation framework, Statement v1. The same measurements give the same bytes.

use anyhow::{Context, Result};
use firstlayer_bundle::Sha256;
use serde::Serialize;

use super::Probed;

/// The type of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The type of what it states: `manifests/schemas/evidence.schema.json` describes it.
pub const PREDICATE_TYPE: &str = "urn:firstlayer:evidence:v1";

/// A statement about a bundle.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject<'a>; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a Probed,
}

#[derive(Debug, Clone, Serialize)]
struct Subject<'a> {
    name: &'a str,
    digest: Digest,
}

#[derive(Debug, Clone, Serialize)]
struct Digest {
    sha256: Sha256,
}

impl<'a> Evidence<'a> {
    /// What was measured of the image in this bundle.
    pub fn new(bundle: &'a str, sha256: Sha256, probed: &'a Probed) -> Self {
        Self {
            kind: STATEMENT_TYPE,
            subject: [Subject {
                name: bundle,
                digest: Digest { sha256 },
            }],
            predicate_type: PREDICATE_TYPE,
            predicate: probed,
        }
    }

    /// The file.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes =
            serde_json::to_vec_pretty(self).context("the evidence cannot be written")?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
