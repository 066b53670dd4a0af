//! From the repository into the slot. Two threads share the work: one fetches, checks, decompresses and writes
//! frames; the other follows it, waits until they are on the medium, reads them back and hashes what it reads, each
//! frame by itself and the image as a whole.
//! Only positions pass between them, so memory is one frame as stored, one raw, and a buffer for reading back.
//!
//! Reading back shows that the slot took every byte in its place. It may be served from memory: a medium that loses
//! what it took is found out by whoever boots it.
//!
//! It must never say that an image is verified before all of it was read back from the slot.

use std::{
    ops::Range,
    panic,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

use firstlayer_bundle::{Decoder, Error, Frame, Hasher, Manifest, Payload, Sha256};

use crate::{
    AgentError, Blessing, FetchError, SlotImage,
    read_back::{Hashes, read_back},
    slots::fill,
    stream::{Bundle, Part},
};

/// Bytes between two syncs: enough for the medium to be busy, little enough for the reader to stay close behind.
const SYNC_EVERY: u64 = 16 << 20;
/// Marks that the writer may be ahead of the reader, so that what is written and not yet on the medium is bounded.
const MARKS_AHEAD: usize = 4;

/// Hears what an install or a check does.
pub trait Progress {
    /// Something happened.
    fn event(&mut self, event: &ProgressEvent<'_>);
}

/// What an install or a check does.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProgressEvent<'a> {
    /// So many bytes of the image were in the slot already, of so many.
    Reused {
        /// Bytes that need not be fetched.
        bytes: u64,
        /// Bytes of the image.
        total: u64,
    },
    /// A frame was written; so many bytes of the image are there, of so many.
    Written {
        /// Bytes of the image in the slot.
        bytes: u64,
        /// Bytes of the image.
        total: u64,
    },
    /// The network failed; the next try is after this time.
    Waiting {
        /// The time to the next try.
        time: Duration,
        /// What failed.
        error: &'a FetchError,
    },
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&mut self, _event: &ProgressEvent<'_>) {}
}

/// Proof that the inactive slot holds an image whose every byte was read back and hashed. Only an install makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedImage(Blessing);

impl VerifiedImage {
    /// What the slot may be blessed with.
    pub fn blessing(&self) -> &Blessing {
        &self.0
    }
}

/// One install of one payload.
pub(crate) struct Install<'a, 'b> {
    pub(crate) bundle: Bundle<'b>,
    pub(crate) manifest: &'a Manifest,
    pub(crate) payload: &'a Payload,
    /// The payload's place in the manifest.
    pub(crate) index: usize,
    pub(crate) image: &'a dyn SlotImage,
    pub(crate) progress: &'a mut dyn Progress,
}

/// How far the writing side is.
#[derive(Default)]
struct Place {
    /// The first frame that is not in the slot.
    frame: usize,
    /// Bytes of the image in the slot: where that frame begins.
    offset: u64,
    /// Bytes of them that the reading side was told of.
    marked: u64,
}

/// What the writing side keeps from frame to frame.
struct Buffers {
    stored: Vec<u8>,
    raw: Vec<u8>,
    decoder: Decoder,
}

impl Place {
    fn pass(&mut self, frame: &Frame) {
        self.frame = self.frame.saturating_add(1);
        self.offset = self.offset.saturating_add(frame.length);
    }

    /// Tells the reading side, if there is enough for a sync.
    fn mark(&mut self, marks: &SyncSender<u64>) -> Result<(), AgentError> {
        if self.offset.saturating_sub(self.marked) < SYNC_EVERY {
            return Ok(());
        }
        self.marked = self.offset;
        marks.send(self.marked).map_err(|_| AgentError::ReadBack)
    }
}

impl Install<'_, '_> {
    /// Fetches what the slot lacks, and verifies the whole of it. `written` is called when every frame is there.
    pub(crate) fn run(
        mut self,
        written: &mut dyn FnMut() -> Result<(), AgentError>,
    ) -> Result<VerifiedImage, AgentError> {
        let (image, length) = (self.image, self.payload.length);
        let (marks, followed) = sync_channel(MARKS_AHEAD);
        let (wrote, read) = thread::scope(|scope| {
            let hashes = Hashes::of(&self.payload.frames);
            let reader = scope.spawn(move || read_back(image, length, hashes, &followed));
            let wrote = self.write(marks).and_then(|()| written());
            let read = reader
                .join()
                .unwrap_or_else(|panicked| panic::resume_unwind(panicked));
            (wrote, read)
        });
        // A reader that failed has stopped the writer: its error is the cause.
        let read = read?;
        wrote?;
        let read = read.filter(|read| read.sha256 == self.payload.sha256);
        let Some(read) = read else {
            return Err(self.why_another_image());
        };
        if !read.frames_agree {
            // The image is right: what the manifest says of its frames is not.
            return Err(self.bundle.refused(Error::RawHash));
        }
        let release = self.bundle.release;
        let (version, bundle) = (release.version.clone(), release.bundle.sha256);
        Ok(VerifiedImage(Blessing {
            version,
            bundle,
            length,
            sha256: self.payload.sha256,
        }))
    }

    /// The slot gave back another image. Only if it does so again, from frames that are each right, does the manifest
    /// contradict itself; else the slot is to blame.
    fn why_another_image(&self) -> AgentError {
        let mut hasher = Hasher::new();
        match self.find_lacking(&mut Vec::new(), |raw| hasher.update(raw)) {
            Ok(place) if place.frame < self.payload.frames.len() => AgentError::ReadBack,
            Ok(_) if hasher.finish() == self.payload.sha256 => AgentError::ReadBack,
            Ok(_) => self.bundle.refused(Error::ImageHash {
                payload: self.payload.name.clone(),
            }),
            Err(error) => error,
        }
    }

    /// Brings every frame into the slot.
    fn write(&mut self, marks: SyncSender<u64>) -> Result<(), AgentError> {
        let decoder = Decoder::new().map_err(|error| self.bundle.refused(error))?;
        let mut buffers = Buffers {
            stored: Vec::new(),
            raw: Vec::new(),
            decoder,
        };
        let mut place = self.find_lacking(&mut buffers.raw, |_| {})?;
        self.progress.event(&ProgressEvent::Reused {
            bytes: place.offset,
            total: self.payload.length,
        });
        while place.frame < self.payload.frames.len() {
            match self.stream(&mut place, &marks, &mut buffers) {
                Err(AgentError::Fetch(error)) => self.bundle.retries.wait(error, self.progress)?,
                Err(error) => return Err(error),
                Ok(()) => {}
            }
        }
        // A reader that is gone failed, and says so itself.
        let _ = marks.send(self.payload.length);
        Ok(())
    }

    /// Up to the first frame that is not in the slot yet; `there` sees those that are. The slot is the only store:
    /// what an earlier run left is recognised by its hash.
    fn find_lacking(
        &self,
        raw: &mut Vec<u8>,
        mut there: impl FnMut(&[u8]),
    ) -> Result<Place, AgentError> {
        let mut place = Place::default();
        for frame in &self.payload.frames {
            raw.resize(usize::try_from(frame.length).unwrap_or(usize::MAX), 0);
            let read = fill(self.image, raw, place.offset)
                .map_err(AgentError::storage("read the inactive slot"))?;
            if read != raw.len() || Sha256::of(raw) != frame.sha256 {
                break;
            }
            there(raw);
            place.pass(frame);
        }
        Ok(place)
    }

    /// One stream from the first lacking frame to the payload's end; one try.
    fn stream(
        &mut self,
        place: &mut Place,
        marks: &SyncSender<u64>,
        buffers: &mut Buffers,
    ) -> Result<(), AgentError> {
        let last = self.payload.frames.len().saturating_sub(1);
        let range = self.location(place.frame).start..self.location(last).end;
        let mut part = self.bundle.open(range)?;
        for frame in self.payload.frames.iter().skip(place.frame) {
            self.take_frame(frame, &mut part, place.offset, buffers)?;
            place.pass(frame);
            self.bundle.retries.reset();
            self.progress.event(&ProgressEvent::Written {
                bytes: place.offset,
                total: self.payload.length,
            });
            place.mark(marks)?;
        }
        part.end()
    }

    fn location(&self, frame: usize) -> Range<u64> {
        self.manifest
            .location(self.index, frame)
            .unwrap_or_default()
    }

    fn take_frame(
        &mut self,
        frame: &Frame,
        part: &mut Part,
        offset: u64,
        buffers: &mut Buffers,
    ) -> Result<(), AgentError> {
        part.read(frame.stored.length, &mut buffers.stored)?;
        let decoded = buffers
            .decoder
            .decode(frame, &buffers.stored, &mut buffers.raw);
        decoded.map_err(|error| self.bundle.refused(error))?;
        self.image
            .write_at(&buffers.raw, offset)
            .map_err(AgentError::storage("write the inactive slot"))
    }
}
