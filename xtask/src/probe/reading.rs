//! Whether the evidence that a release names is there, is about its bundle, and shows the capability.

use std::fmt;

use firstlayer_bundle::Sha256;
use firstlayer_policy::{Capability, Release};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evidence::{PREDICATE_TYPE, STATEMENT_TYPE};

/// The verdict of a capability that was seen.
const HAS: &str = "has";
/// Bytes of evidence: stops a target that would fill the memory.
pub(crate) const LONGEST_EVIDENCE: u64 = 16 << 20;

/// What is wrong with a release's evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceProblem {
    /// The release names none that the channel's role signed and that is there as it was signed.
    NotSigned,
    /// The file is not the one that the release names.
    OtherFile,
    /// The file is no in-toto statement that is understood.
    NoStatement,
    /// The statement is about something else than the release's bundle.
    OtherSubject,
    /// The statement does not say that the capability was there.
    NotShown,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
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
pub(crate) fn check_evidence(
    release: &Release,
    capability: &Capability,
    file: Option<&[u8]>,
) -> Result<(), EvidenceProblem> {
    let named = release.evidence.as_ref();
    let (named, file) = named.zip(file).ok_or(EvidenceProblem::NotSigned)?;
    if (file.len() as u64, Sha256::of(file)) != (named.length, named.sha256) {
        return Err(EvidenceProblem::OtherFile);
    }
    let statement: Statement =
        serde_json::from_slice(file).map_err(|_| EvidenceProblem::NoStatement)?;
    if (statement.kind.as_str(), statement.predicate_type.as_str())
        != (STATEMENT_TYPE, PREDICATE_TYPE)
    {
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

impl fmt::Display for EvidenceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSigned => {
                "its evidence is not there as a target that the channel's role signed"
            }
            Self::OtherFile => "its evidence is another file than the one that it names",
            Self::NoStatement => {
                "its evidence is no in-toto statement that this program understands"
            }
            Self::OtherSubject => "its evidence is about another bundle",
            Self::NotShown => "its evidence does not show the capability",
        })
    }
}
