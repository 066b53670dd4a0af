//! What was seen of an image, kept between runs. The image names the firmware to the last byte, and with it the commit of
//! the experiments too: what is kept of one is never taken for another's.

use std::fs::{self, File};
use std::io::{self, BufReader};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::{Hasher, Sha256};

use super::report::Probed;
use super::verdict::Finding;
use super::{Emulator, Image, capabilities};
use crate::repository::{RealDisk, replace_durably};

type Findings = Vec<(String, Finding)>;

/// Where the findings of one image under one emulator are kept.
pub(super) struct Kept(Utf8PathBuf);

impl Kept {
    /// Reads the image to name it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(image: &Image, emulator: &Emulator, folder: &Utf8Path) -> Result<Self> {
        let image = hash(&image.root).with_context(|| format!("cannot read {}", image.root))?;
        let name = format!("{image} {}", emulator.version);
        let name = Sha256::of(name.as_bytes());
        Ok(Self(folder.join(format!("{name}.json"))))
    }

    /// What was seen, if all that is measured today was.
    pub(super) fn read(&self) -> Option<Findings> {
        let bytes = fs::read(&self.0).ok()?;
        let findings: Findings = serde_json::from_slice(&bytes).ok()?;
        let measured = findings.iter().map(|(name, _)| name.as_str());
        measured.eq(capabilities()).then_some(findings)
    }

    /// Keeps what was seen.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, probed: &Probed) -> Result<()> {
        let writing = || format!("cannot keep what was measured in {}", self.0);
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).with_context(writing)?;
        }
        let findings = probed.capabilities.iter();
        let findings: Findings = findings
            .map(|one| (one.capability.to_string(), one.finding.clone()))
            .collect();
        let bytes = serde_json::to_vec(&findings)?;
        replace_durably(&RealDisk, &self.0, &mut bytes.as_slice()).with_context(writing)
    }
}

fn hash(path: &Utf8Path) -> io::Result<Sha256> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut hasher = Hasher::new();
    loop {
        let read = io::BufRead::fill_buf(&mut reader)?;
        let count = read.len();
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(read);
        io::BufRead::consume(&mut reader, count);
    }
}

#[cfg(test)]
mod tests {
    use firstlayer_bundle::{Counter, Identity};
    use semver::Version;

    use super::*;
    use crate::probe::Observation;

    #[test]
    fn findings_are_kept_for_the_same_image_and_emulator_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let image = |bytes: &str| {
            let root = folder.join("image.tar");
            fs::write(&root, bytes).unwrap();
            Image {
                root,
                identity: Identity {
                    board: "virt-armv7".parse().unwrap(),
                    models: vec!["one".parse().unwrap()],
                    version: Version::new(1, 0, 0),
                    counter: Counter::default(),
                },
                channel: "stable".parse().unwrap(),
            }
        };
        let emulator = |version: &str| Emulator {
            program: "qemu".into(),
            version: version.to_owned(),
        };
        let seen = |name: &str| {
            let observation = Observation {
                name: "a try".to_owned(),
                expected: "yes".to_owned(),
                seen: "yes".to_owned(),
            };
            (name.to_owned(), Finding::Seen(vec![observation]))
        };
        let kept = |bytes, version| Kept::of(&image(bytes), &emulator(version), folder).unwrap();
        let all: Findings = capabilities().map(seen).collect();
        let probed = |findings| Probed::new(&image("a"), &emulator("1"), findings).unwrap();
        kept("a", "1").write(&probed(all.clone())).unwrap();
        assert_eq!(kept("a", "1").read(), Some(all.clone()));
        assert_eq!(kept("b", "1").read(), None);
        assert_eq!(kept("a", "2").read(), None);
        // An older program measured less.
        kept("a", "1").write(&probed(all[1..].to_vec())).unwrap();
        assert_eq!(kept("a", "1").read(), None);
    }
}
