//! A file that the repository vouches for, and the check of its bytes as they arrive.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::hash::{HashChecker, Hashes};
use crate::name::{RoleName, TargetPath, percent_encoded};
use crate::role::targets::TargetFile;

/// A target found by [`crate::Client::find_target`]: what is signed of it, and by which role.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    path: TargetPath,
    file: TargetFile,
    role: RoleName,
    consistent_snapshot: bool,
}

impl Target {
    /// Errors: a hash algorithm that is not known, so that nothing is fetched that could not be checked.
    pub(crate) fn new(
        path: TargetPath,
        file: TargetFile,
        role: RoleName,
        consistent_snapshot: bool,
    ) -> Result<Self> {
        let target = Self {
            path,
            file,
            role,
            consistent_snapshot,
        };
        target.verify()?;
        Ok(target)
    }

    /// The path that was asked for.
    pub fn path(&self) -> &TargetPath {
        &self.path
    }

    /// The length in bytes.
    pub fn length(&self) -> u64 {
        self.file.length
    }

    /// The hashes, as signed.
    pub fn hashes(&self) -> &Hashes {
        &self.file.hashes
    }

    /// What the application says of the file.
    pub fn custom(&self) -> Option<&Map<String, Value>> {
        self.file.custom.as_ref()
    }

    /// The role whose signatures vouch for the target.
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// The name in a repository with consistent snapshots: `<hash>.<name>`, sha256 before any other hash.
    pub fn consistent_name(&self) -> String {
        let hashes = &self.file.hashes;
        let hash = hashes
            .sha256()
            .or_else(|| hashes.iter().map(|(_, value)| value).next());
        self.path.with_prefix(hash.unwrap_or_default())
    }

    /// The path under the repository's targets URL, percent-encoded part by part.
    pub fn remote_path(&self) -> String {
        let name = if self.consistent_snapshot {
            self.consistent_name()
        } else {
            self.path.to_string()
        };
        name.split('/')
            .map(percent_encoded)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Begins a check of bytes. Errors: a hash algorithm that is not known.
    pub fn verify(&self) -> Result<TargetVerifier<'_>> {
        let hashes = self
            .file
            .hashes
            .checker()
            .map_err(|source| self.bad_hash(source))?;
        Ok(TargetVerifier {
            target: self,
            hashes,
            length: 0,
        })
    }

    fn bad_hash(&self, source: crate::hash::BadHash) -> Error {
        Error::Hash {
            file: self.path.to_string(),
            source,
        }
    }
}

/// A check in progress: every byte passes through here once, in order.
#[derive(Debug, Clone)]
pub struct TargetVerifier<'a> {
    target: &'a Target,
    hashes: HashChecker,
    length: u64,
}

/// Proof that the bytes that went through a [`TargetVerifier`] are the target's, all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedTarget(Target);

impl TargetVerifier<'_> {
    /// Takes the next bytes. Errors: [`Error::TooLong`] as soon as they pass the signed length.
    pub fn update(&mut self, bytes: &[u8]) -> Result<()> {
        let limit = self.target.length();
        let added = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(added);
        if self.length > limit {
            return Err(Error::TooLong {
                file: self.target.path.to_string(),
                limit,
            });
        }
        self.hashes.update(bytes);
        Ok(())
    }

    /// Ends the check. Errors: [`Error::WrongLength`], [`Error::Hash`].
    pub fn finish(self) -> Result<VerifiedTarget> {
        let Self {
            target,
            hashes,
            length,
        } = self;
        if length != target.length() {
            let file = target.path.to_string();
            return Err(Error::WrongLength {
                file,
                expected: target.length(),
                found: length,
            });
        }
        hashes.finish().map_err(|source| target.bad_hash(source))?;
        Ok(VerifiedTarget(target.clone()))
    }
}

impl VerifiedTarget {
    /// The target whose bytes were seen.
    pub fn target(&self) -> &Target {
        &self.0
    }
}
