//! The manifest's JSON, and the rules that it keeps. What is in here was not checked yet, and leaves only checked.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    Board, Counter, Error, Identity, Limits, Model, PayloadName, Sha256, header,
    manifest as checked,
};

/// The format that this crate writes and reads.
pub(crate) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) board: Board,
    pub(crate) models: Vec<Model>,
    pub(crate) version: Version,
    pub(crate) counter: Counter,
    pub(crate) payloads: Vec<Payload>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) name: PayloadName,
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<Base>,
    pub(crate) frames: Vec<Frame>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frame {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
    pub(crate) stored: Stored,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Reference>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Only as much of a manifest as says how to read the rest.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Manifest {
    /// The manifest in these bytes, whose hash held. Its rules are not checked.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let Versioned { format } = serde_json::from_slice(bytes).map_err(Error::ManifestForm)?;
        if format != FORMAT {
            return Err(Error::UnknownFormat(format));
        }
        serde_json::from_slice(bytes).map_err(Error::ManifestForm)
    }

    /// Its contents, if they keep every rule.
    pub(crate) fn check(self, limits: &Limits) -> Result<(Identity, Vec<checked::Payload>), Error> {
        check_models(&self.models, limits)?;
        check_names(&self.payloads, limits)?;
        let payloads = self
            .payloads
            .into_iter()
            .map(|payload| payload.check(limits));
        let payloads = payloads.collect::<Result<_, _>>()?;
        let Self {
            board,
            models,
            version,
            counter,
            ..
        } = self;
        Ok((
            Identity {
                board,
                models,
                version,
                counter,
            },
            payloads,
        ))
    }
}

impl Payload {
    fn check(self, limits: &Limits) -> Result<checked::Payload, Error> {
        within("an image's length", self.length, limits.image)?;
        let base = self.base.map(|base| base.check(limits)).transpose()?;
        let frames = self
            .frames
            .into_iter()
            .map(|frame| frame.check(base.as_ref(), limits));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
        let raw = sum(frames.iter().map(|frame| frame.length));
        hold(
            raw == Some(self.length),
            "an image has the length of its frames together",
        )?;
        let stored = sum(frames.iter().map(|frame| frame.stored.length)).unwrap_or(u64::MAX);
        within("a payload's stored length", stored, header::MAX_CONTENT)?;
        Ok(checked::Payload {
            name: self.name,
            length: self.length,
            sha256: self.sha256,
            base,
            frames,
        })
    }
}

impl Base {
    fn check(self, limits: &Limits) -> Result<checked::Base, Error> {
        within("a base image's length", self.length, limits.image)?;
        Ok(checked::Base {
            length: self.length,
            sha256: self.sha256,
        })
    }
}

impl Frame {
    fn check(self, base: Option<&checked::Base>, limits: &Limits) -> Result<checked::Frame, Error> {
        within("a frame's length", self.length, limits.frame)?;
        within(
            "a frame's stored length",
            self.stored.length,
            stored_limit(self.length),
        )?;
        let stored = checked::Stored {
            length: self.stored.length,
            sha256: self.stored.sha256,
        };
        let reference = self
            .reference
            .map(|reference| reference.check(base, limits))
            .transpose()?;
        Ok(checked::Frame {
            length: self.length,
            sha256: self.sha256,
            stored,
            reference,
        })
    }
}

impl Reference {
    fn check(
        self,
        base: Option<&checked::Base>,
        limits: &Limits,
    ) -> Result<checked::Reference, Error> {
        within("a reference's length", self.length, limits.reference)?;
        let end = self.offset.checked_add(self.length);
        let inside = base.is_some_and(|base| end.is_some_and(|end| end <= base.length));
        hold(inside, "a reference lies within its payload's base image")?;
        Ok(checked::Reference {
            offset: self.offset,
            length: self.length,
        })
    }
}

/// The most bytes that a frame of this raw length is stored in: what zstd needs when nothing can be compressed.
/// Stops a frame that is larger packed than unpacked.
pub(crate) fn stored_limit(length: u64) -> u64 {
    length.saturating_add(length / 256).saturating_add(64)
}

fn check_models(models: &[Model], limits: &Limits) -> Result<(), Error> {
    within(
        "a number of models",
        models.len() as u64,
        limits.models as u64,
    )?;
    let ascending = models
        .iter()
        .zip(models.iter().skip(1))
        .all(|(one, next)| one < next);
    hold(ascending, "models are sorted, and each is named once")
}

fn check_names(payloads: &[Payload], limits: &Limits) -> Result<(), Error> {
    within(
        "a number of payloads",
        payloads.len() as u64,
        limits.payloads as u64,
    )?;
    let mut names = payloads
        .iter()
        .map(|payload| &payload.name)
        .collect::<Vec<_>>();
    names.sort();
    names.dedup();
    hold(
        names.len() == payloads.len(),
        "no two payloads have one name",
    )
}

fn sum(mut lengths: impl Iterator<Item = u64>) -> Option<u64> {
    lengths.try_fold(0_u64, |sum, length| sum.checked_add(length))
}

/// At least one, at most the limit.
fn within(what: &'static str, value: u64, limit: u64) -> Result<(), Error> {
    if (1..=limit).contains(&value) {
        Ok(())
    } else {
        Err(Error::OverLimit { what, value, limit })
    }
}

fn hold(holds: bool, what: &'static str) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        Err(Error::Contradiction { what })
    }
}
