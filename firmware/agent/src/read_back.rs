//! The reading side of an install: follows the writer, and hashes what the slot gives back, each frame by itself and the
//! image as a whole. It must never take a byte from anywhere but the slot.

use std::{mem, slice, sync::mpsc::Receiver};

use firstlayer_bundle::{Frame, Hasher, Sha256};

use crate::{AgentError, SlotImage, slots::fill};

/// The buffer for reading back, in bytes.
const BUFFER: usize = 1 << 20;

/// What the slot gave back.
pub(crate) struct ReadBack {
    /// Hash of the image.
    pub(crate) sha256: Sha256,
    /// Whether each frame of it has the hash that the manifest gives.
    pub(crate) frames_agree: bool,
}

/// The image's hash and its frames', from pieces that end where they like.
pub(crate) struct Hashes<'a> {
    image: Hasher,
    frame: Hasher,
    frames: slice::Iter<'a, Frame>,
    /// Bytes that the first of `frames` lacks.
    lacking: u64,
    agree: bool,
}

/// Follows the writer's marks: syncs, reads back, hashes. `None` if the writer gave up, or the slot ends too early.
pub(crate) fn read_back(
    image: &dyn SlotImage,
    length: u64,
    mut hashes: Hashes<'_>,
    marks: &Receiver<u64>,
) -> Result<Option<ReadBack>, AgentError> {
    let (mut buffer, mut offset) = (vec![0; BUFFER], 0);
    for mark in marks {
        image
            .sync()
            .map_err(AgentError::storage("bring the inactive slot to its medium"))?;
        while offset < mark {
            let wanted = usize::try_from(mark.saturating_sub(offset))
                .unwrap_or(usize::MAX)
                .min(BUFFER);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            let read = fill(image, part, offset)
                .map_err(AgentError::storage("read the inactive slot back"))?;
            if read != wanted {
                return Ok(None);
            }
            hashes.update(part);
            offset = offset.saturating_add(read as u64);
        }
    }
    Ok((offset == length).then(|| hashes.finish()))
}

impl<'a> Hashes<'a> {
    pub(crate) fn of(frames: &'a [Frame]) -> Self {
        Self {
            image: Hasher::new(),
            frame: Hasher::new(),
            lacking: frames.first().map_or(0, |frame| frame.length),
            frames: frames.iter(),
            agree: true,
        }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        self.image.update(bytes);
        while self.lacking > 0 && !bytes.is_empty() {
            let here = usize::try_from(self.lacking).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(here.min(bytes.len()));
            self.frame.update(now);
            self.lacking = self.lacking.saturating_sub(now.len() as u64);
            if self.lacking == 0 {
                self.next_frame();
            }
            bytes = later;
        }
    }

    fn next_frame(&mut self) {
        let found = mem::replace(&mut self.frame, Hasher::new()).finish();
        self.agree &= self
            .frames
            .next()
            .is_some_and(|frame| frame.sha256 == found);
        let next = self.frames.as_slice().first();
        self.lacking = next.map_or(0, |frame| frame.length);
    }

    fn finish(self) -> ReadBack {
        ReadBack {
            sha256: self.image.finish(),
            frames_agree: self.agree && self.frames.as_slice().is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlayer_bundle::{Identity, Limits, Options, PayloadSource, read_manifest, write};
    use proptest::prelude::*;

    use super::*;

    fn frames(image: &[u8], frame_length: u64) -> Vec<Frame> {
        let identity = Identity {
            board: "virt-armv7".parse().unwrap(),
            models: vec!["first-mini".parse().unwrap()],
            version: semver::Version::new(1, 0, 0),
            counter: Default::default(),
        };
        let source = PayloadSource {
            name: "root".parse().unwrap(),
            length: image.len() as u64,
            reader: Box::new(image),
        };
        let options = Options {
            frame_length,
            ..Options::default()
        };
        let (mut spool, mut bundle) = (std::io::Cursor::new(Vec::new()), Vec::new());
        let written = write(identity, vec![source], &mut spool, &mut bundle, &options).unwrap();
        let manifest = read_manifest(&*bundle, &written.digest, &Limits::default()).unwrap();
        manifest.payloads()[0].frames.clone()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn frames_agree_wherever_pieces_end_and_only_if_each_does(
            image in proptest::collection::vec(any::<u8>(), 1..2000), frame in 1u64..700, piece in 1usize..900,
            wrong in any::<prop::sample::Index>(), lie in any::<bool>(),
        ) {
            let mut frames = frames(&image, frame);
            if lie {
                let index = wrong.index(frames.len());
                frames[index].sha256 = Sha256::of(b"other bytes");
            }
            let mut hashes = Hashes::of(&frames);
            image.chunks(piece).for_each(|part| hashes.update(part));
            let read = hashes.finish();
            prop_assert_eq!(read.sha256, Sha256::of(&image));
            prop_assert_eq!(read.frames_agree, !lie);
        }
    }
}
