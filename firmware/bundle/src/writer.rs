//! Writes bundles: the same bytes for the same input, whatever the number of threads. What it wrote into the manifest
//! it puts to the reader's own test before it writes any of it out.

use std::{
    io::{self, Read, Seek, Write},
    iter,
    num::NonZeroUsize,
    thread,
};

use crate::{
    Hasher, Identity, Limits, Manifest, ManifestDigest, PayloadName, Sha256, WriteError, header,
    pipeline, wire,
};

/// An image to put into a bundle.
pub struct PayloadSource<'a> {
    /// What it is called in the bundle.
    pub name: PayloadName,
    /// Its bytes; `reader` must give exactly as many.
    pub length: u64,
    /// Gives its bytes.
    pub reader: Box<dyn Read + 'a>,
}

/// How to compress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The zstd level, 1 to 19. The standard is 12: independent frames of 4 MiB cost 3 % in size there, and 5 % at 17,
    /// which is 5 % smaller and takes five times the time.
    pub level: i32,
    /// Threads that compress. They change how long it takes, and never the result.
    pub threads: NonZeroUsize,
    /// Raw bytes of each frame but an image's last, at most what [`Limits`] allow. Smaller frames make resuming
    /// finer and the bundle larger.
    pub frame_length: u64,
}

impl Default for Options {
    fn default() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            level: 12,
            threads,
            frame_length: 4 << 20,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Of the manifest; belongs into the channel manifest.
    pub digest: ManifestDigest,
    /// Bytes of the whole bundle.
    pub length: u64,
    /// Hash of the whole bundle.
    pub sha256: Sha256,
}

/// Writes a bundle to `out`. The compressed frames wait in `spool`, which must be empty, until the manifest that
/// stands before them is known; in memory there are never more than a few frames a thread.
pub fn write<S: Read + Write + Seek>(
    identity: Identity,
    payloads: Vec<PayloadSource<'_>>,
    spool: &mut S,
    out: impl Write,
    options: &Options,
) -> Result<Written, WriteError> {
    check(options)?;
    let payloads = pack(payloads, spool, options)?;
    let (manifest, json) = seal(identity, payloads)?;
    let mut out = Tally {
        out,
        length: 0,
        hasher: Hasher::new(),
    };
    out.put_entry(header::MANIFEST, json.len() as u64, &mut json.as_slice())?;
    spool.rewind().map_err(WriteError::Spool)?;
    for payload in manifest.payloads() {
        out.put_entry(
            &header::entry_name(&payload.name),
            payload.stored_length(),
            spool,
        )?;
    }
    out.put(&header::END)?;
    out.out.flush().map_err(WriteError::Write)?;
    Ok(Written {
        digest: *manifest.digest(),
        length: out.length,
        sha256: out.hasher.finish(),
    })
}

fn check(options: &Options) -> Result<(), WriteError> {
    if !(1..=19).contains(&options.level) {
        return Err(WriteError::Level(options.level));
    }
    let limit = Limits::default().frame;
    if (1..=limit).contains(&options.frame_length) {
        return Ok(());
    }
    Err(WriteError::FrameLength {
        length: options.frame_length,
        limit,
    })
}

/// Compresses the images into the spool, one after the other, and lists what is there.
fn pack(
    sources: Vec<PayloadSource<'_>>,
    spool: &mut impl Write,
    options: &Options,
) -> Result<Vec<wire::Payload>, WriteError> {
    let frame_length = options.frame_length;
    let mut images = sources.into_iter().map(Image::new).collect::<Vec<_>>();
    let mut frames = Vec::new();
    let pieces = images
        .iter_mut()
        .flat_map(|image| iter::from_fn(|| image.next_piece(frame_length).transpose()));
    pipeline::compress(pieces, options.level, options.threads, |packed| {
        frames.push(packed.frame);
        spool.write_all(&packed.stored).map_err(WriteError::Spool)
    })?;
    let mut frames = frames.into_iter();
    Ok(images
        .into_iter()
        .map(|image| image.list(frame_length, &mut frames))
        .collect())
}

/// Puts the manifest into JSON, and that to the reader's test.
fn seal(
    identity: Identity,
    payloads: Vec<wire::Payload>,
) -> Result<(Manifest, Vec<u8>), WriteError> {
    let Identity {
        board,
        mut models,
        version,
        counter,
    } = identity;
    models.sort();
    models.dedup();
    let manifest = wire::Manifest {
        format: wire::FORMAT,
        board,
        models,
        version,
        counter,
        payloads,
    };
    let json = serde_json::to_vec(&manifest).map_err(WriteError::Manifest)?;
    let digest = ManifestDigest {
        length: json.len() as u64,
        sha256: Sha256::of(&json),
    };
    let manifest =
        Manifest::verify(&json, &digest, &Limits::default()).map_err(WriteError::Refused)?;
    Ok((manifest, json))
}

/// An image on its way into a bundle.
struct Image<'a> {
    source: PayloadSource<'a>,
    read: u64,
    hasher: Hasher,
}

impl<'a> Image<'a> {
    fn new(source: PayloadSource<'a>) -> Self {
        Self {
            source,
            read: 0,
            hasher: Hasher::new(),
        }
    }

    /// The next bytes, as many as a frame takes; `None` when the image was read to its end.
    fn next_piece(&mut self, frame_length: u64) -> Result<Option<Vec<u8>>, WriteError> {
        let rest = self.source.length - self.read;
        let wanted = rest.min(frame_length);
        // At the end this asks for one byte more, which must not be there.
        let mut raw = Vec::new();
        self.source
            .reader
            .by_ref()
            .take(wanted.max(1))
            .read_to_end(&mut raw)
            .map_err(|source| self.failed(source))?;
        if raw.len() as u64 != wanted {
            return Err(WriteError::SourceLength {
                payload: self.source.name.clone(),
                expected: self.source.length,
            });
        }
        self.hasher.update(&raw);
        self.read += wanted;
        Ok(if raw.is_empty() { None } else { Some(raw) })
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Source {
            payload: self.source.name.clone(),
            source,
        }
    }

    fn list(
        self,
        frame_length: u64,
        frames: &mut impl Iterator<Item = wire::Frame>,
    ) -> wire::Payload {
        let PayloadSource { name, length, .. } = self.source;
        let count = length.div_ceil(frame_length);
        let frames = (0..count).map_while(|_| frames.next()).collect();
        wire::Payload {
            name,
            length,
            sha256: self.hasher.finish(),
            base: None,
            frames,
        }
    }
}

/// The output, counted and hashed as it is written.
struct Tally<W> {
    out: W,
    length: u64,
    hasher: Hasher,
}

impl<W: Write> Tally<W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(WriteError::Write)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Header, content and padding of one entry, the content from a spool that holds it next.
    fn put_entry(
        &mut self,
        name: &str,
        content: u64,
        spool: &mut impl Read,
    ) -> Result<(), WriteError> {
        self.put(&header::header(name, content).map_err(WriteError::Refused)?)?;
        let mut rest = content;
        while rest > 0 {
            let chunk = read_some(spool, rest).map_err(WriteError::Spool)?;
            self.put(&chunk)?;
            rest -= chunk.len() as u64;
        }
        (0..header::padding(content)).try_for_each(|_| self.put(&[0]))
    }
}

/// At least one byte, at most `limit`, and never much.
fn read_some(source: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    const CHUNK: u64 = 256 << 10;
    let mut chunk = Vec::new();
    match source.take(limit.min(CHUNK)).read_to_end(&mut chunk)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(chunk),
    }
}
