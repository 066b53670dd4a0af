//! What a release was measured to be able to do, and where the evidence lies.

use firstlayer_bundle::Sha256;
use serde::{Deserialize, Serialize};

use crate::{Channel, Release};

firstlayer_bundle::name!(
    /// Something that a firmware can do: `https-transfer`, `lan-mqtts`. The names are those of the probe's experiments;
    /// a reader takes any.
    Capability,
    "capability"
);

/// The in-toto statement with what the probe saw, as a TUF target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceTarget {
    /// TUF target name: `{channel}-{version}-{board}.evidence.json`.
    pub target: String,
    /// Length of the file in bytes.
    pub length: u64,
    /// Hash of the file.
    pub sha256: Sha256,
}

impl Release {
    /// The target name that the evidence must have: `{channel}-{version}-{board}.evidence.json`.
    pub fn evidence_name(
        channel: &Channel,
        version: &semver::Version,
        board: &firstlayer_bundle::Board,
    ) -> String {
        format!("{channel}-{version}-{board}.evidence.json")
    }

    /// Whether it was measured to be able to do this.
    pub fn can(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// A claim needs evidence, and the evidence its own name.
    pub(crate) fn check_claims(&self, channel: &Channel) -> Result<(), String> {
        let count = self.capabilities.len();
        if count > MOST_CAPABILITIES {
            return Err(format!(
                "it claims {count} capabilities, and {MOST_CAPABILITIES} are allowed"
            ));
        }
        let Some(evidence) = &self.evidence else {
            return match self.capabilities.first() {
                Some(claimed) => Err(format!("it claims `{claimed}` without evidence")),
                None => Ok(()),
            };
        };
        let name = Self::evidence_name(channel, &self.version, &self.board);
        if evidence.target != name {
            return Err(format!(
                "its evidence is `{}`, and must be `{name}`",
                evidence.target
            ));
        }
        Ok(())
    }
}

/// The most capabilities that one release may claim: bounds what a manifest makes its reader keep.
const MOST_CAPABILITIES: usize = 64;

#[cfg(test)]
mod tests {
    use crate::testing::{manifest, measured, release};
    use crate::{ChannelManifest, Limits};

    #[test]
    fn a_claim_survives_the_document() {
        let channel = manifest(vec![measured("1.2.0", 1, &["https-transfer", "lan-mqtts"])]);
        let bytes = channel.to_bytes().unwrap();
        let read = ChannelManifest::parse(&bytes, channel.channel(), &Limits::default()).unwrap();
        assert_eq!(read, channel);
        let release = &read.releases()[0];
        assert!(release.can(&"lan-mqtts".parse().unwrap()));
        assert!(!release.can(&"cloud-mqtts".parse().unwrap()));
    }

    #[test]
    fn a_claim_without_evidence_is_refused() {
        let mut claiming = release("1.2.0", 1);
        claiming
            .capabilities
            .insert("https-transfer".parse().unwrap());
        let refused = ChannelManifest::new("stable".parse().unwrap(), vec![claiming]);
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("without evidence"), "{told}");
    }

    #[test]
    fn evidence_of_another_release_is_refused() {
        let mut claiming = measured("1.2.0", 1, &["https-transfer"]);
        claiming.evidence = measured("1.1.0", 1, &["https-transfer"]).evidence;
        let refused = ChannelManifest::new("stable".parse().unwrap(), vec![claiming]);
        let told = refused.unwrap_err().to_string();
        assert!(
            told.contains("stable-1.2.0-virt-armv7.evidence.json"),
            "{told}"
        );
    }
}
