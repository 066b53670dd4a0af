//! Whether the evidence that a release names is there, is about its bundle, and shows the capability.

use firstlayer_bundle::Sha256;
use firstlayer_policy::{Capability, Release};
use serde::Deserialize;
use serde_json::Value;

use super::refusal::EvidenceProblem;

/// The type of the statements: in-toto's, version 1.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The verdict of a capability that was seen.
const HAS: &str = "has";
/// Bytes of evidence: stops a target that would fill the memory.
pub(crate) const LONGEST: u64 = 16 << 20;

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: Digest,
}

#[derive(Deserialize)]
struct Digest {
    sha256: Sha256,
}

/// Checks `file`, the target that the release names as its evidence, if the channel's role signed one.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(
    release: &Release,
    capability: &Capability,
    file: Option<&[u8]>,
) -> Result<(), EvidenceProblem> {
    let named = release.evidence.as_ref().ok_or(EvidenceProblem::None)?;
    let file = file.ok_or(EvidenceProblem::NotSigned)?;
    if (file.len() as u64, Sha256::of(file)) != (named.length, named.sha256) {
        return Err(EvidenceProblem::OtherFile);
    }
    let statement: Statement =
        serde_json::from_slice(file).map_err(|_| EvidenceProblem::NoStatement)?;
    if statement.kind != STATEMENT {
        return Err(EvidenceProblem::NoStatement);
    }
    let about_it = |subject: &Subject| {
        subject.name == release.bundle.target && subject.digest.sha256 == release.bundle.sha256
    };
    if !matches!(statement.subject.as_slice(), [one] if about_it(one)) {
        return Err(EvidenceProblem::OtherSubject);
    }
    match shows(&statement.predicate, capability) {
        true => Ok(()),
        false => Err(EvidenceProblem::NotShown),
    }
}

fn shows(predicate: &Value, capability: &Capability) -> bool {
    let measured = predicate.get("capabilities").and_then(Value::as_array);
    measured.into_iter().flatten().any(|measurement| {
        let text = |key| measurement.get(key).and_then(Value::as_str);
        text("capability") == Some(capability.as_str()) && text("verdict") == Some(HAS)
    })
}
