//! The manifest in its verified form. It is made from bytes whose hash held, or by the writer, and in no other way.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Identity, Limits, PayloadName, Sha256, header, wire};

/// The signed length and hash of a bundle's `manifest.json`, as the channel manifest carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ManifestDigest {
    /// Bytes of `manifest.json`.
    pub length: u64,
    /// Their hash.
    pub sha256: Sha256,
}

/// What a bundle holds, after its hash was compared and every rule of the format checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(crate) digest: ManifestDigest,
    pub(crate) identity: Identity,
    pub(crate) payloads: Vec<Payload>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// Its name; its entry in the tar is `<name>.zst`.
    pub name: PayloadName,
    /// Bytes of the raw image: the sum of its frames' lengths.
    pub length: u64,
    /// Hash of the raw image.
    pub sha256: Sha256,
    /// The image that the delta frames among its frames refer to.
    pub base: Option<Base>,
    /// Its frames in order, at least one.
    pub frames: Vec<Frame>,
}

/// The image that a delta begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Base {
    /// Its bytes.
    pub length: u64,
    /// Its hash.
    pub sha256: Sha256,
}

/// One independently compressed piece of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Raw bytes.
    pub length: u64,
    /// Hash of the raw bytes: says whether a piece that is already in the slot is the right one.
    pub sha256: Sha256,
    /// The frame as it is stored.
    pub stored: Stored,
    /// The part of the base image that it was compressed against.
    pub reference: Option<Reference>,
}

/// The compressed bytes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Their number.
    pub length: u64,
    /// Their hash, which must hold before they are decompressed.
    pub sha256: Sha256,
}

/// A range of the base image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// Its first byte.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
}

impl Manifest {
    /// The manifest in these bytes, if they are the signed ones and keep every rule of the format.
    pub fn verify(bytes: &[u8], digest: &ManifestDigest, limits: &Limits) -> Result<Self, Error> {
        digest.check_length(limits)?;
        if bytes.len() as u64 != digest.length || Sha256::of(bytes) != digest.sha256 {
            return Err(Error::ManifestMismatch);
        }
        let (identity, payloads) = wire::Manifest::parse(bytes)?.check(limits)?;
        let manifest = Self {
            digest: *digest,
            identity,
            payloads,
        };
        manifest.refuse_deltas()?;
        Ok(manifest)
    }

    /// Bytes from the start of a bundle to the end of its manifest's padding.
    pub fn preamble_length(digest: &ManifestDigest) -> u64 {
        header::entry_length(digest.length)
    }

    /// Bytes from the start of a bundle to its first frame: the preamble and the first payload's header, which is what
    /// to fetch first.
    pub fn opening_length(digest: &ManifestDigest) -> u64 {
        Self::preamble_length(digest).saturating_add(header::BLOCK)
    }

    /// The digest that these contents were verified against.
    pub fn digest(&self) -> &ManifestDigest {
        &self.digest
    }

    /// What the bundle says it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its images, at least one.
    pub fn payloads(&self) -> &[Payload] {
        &self.payloads
    }

    /// The payload of this name.
    pub fn payload(&self, name: &PayloadName) -> Option<&Payload> {
        self.payloads.iter().find(|payload| payload.name == *name)
    }

    /// Where in the bundle's file a frame is stored; `None` if there is no such frame.
    pub fn location(&self, payload: usize, frame: usize) -> Option<Range<u64>> {
        let before = self.payloads.get(..payload)?;
        let frames = &self.payloads.get(payload)?.frames;
        let entry = Self::preamble_length(&self.digest)
            + before.iter().map(Payload::entry_length).sum::<u64>();
        let start = entry + header::BLOCK + stored_length(frames.get(..frame)?);
        Some(start..start + frames.get(frame)?.stored.length)
    }

    /// Bytes of the whole bundle.
    pub fn bundle_length(&self) -> u64 {
        let payloads = self.payloads.iter().map(Payload::entry_length).sum::<u64>();
        Self::preamble_length(&self.digest) + payloads + header::END.len() as u64
    }

    /// The place where a reader that applies deltas differs from this one.
    fn refuse_deltas(&self) -> Result<(), Error> {
        match self.payloads.iter().find(|payload| payload.base.is_some()) {
            Some(payload) => Err(Error::DeltaNeedsBase {
                payload: payload.name.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl ManifestDigest {
    /// Refuses a manifest over the limit before any of it is read.
    pub(crate) fn check_length(&self, limits: &Limits) -> Result<(), Error> {
        let limit = limits.manifest.min(header::MAX_CONTENT);
        if self.length <= limit {
            Ok(())
        } else {
            Err(Error::ManifestTooLong {
                length: self.length,
                limit,
            })
        }
    }
}

impl Payload {
    /// Bytes of its entry's content: its stored frames together.
    pub(crate) fn stored_length(&self) -> u64 {
        stored_length(&self.frames)
    }

    fn entry_length(&self) -> u64 {
        header::entry_length(self.stored_length())
    }
}

/// Never overflows: a payload's sum is checked when its manifest is verified.
fn stored_length(frames: &[Frame]) -> u64 {
    frames.iter().map(|frame| frame.stored.length).sum()
}
