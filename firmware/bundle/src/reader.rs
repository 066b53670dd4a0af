//! Reads a whole bundle from its first byte to its last, and accepts nothing that the writer would not have written.

use std::io::{self, Read};

use crate::{
    Decoder, Error, Hasher, Limits, Manifest, ManifestDigest, Payload, Sha256, decoder,
    header::{self, Header},
};

/// Which frame of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Index into the manifest's payloads.
    pub payload: usize,
    /// Index into the payload's frames.
    pub frame: usize,
}

/// Reads exactly the preamble, and gives its manifest.
pub fn read_manifest(
    mut source: impl Read,
    digest: &ManifestDigest,
    limits: &Limits,
) -> Result<Manifest, Error> {
    digest.check_length(limits)?;
    read_header(&mut source, header::MANIFEST, digest.length)?;
    let mut bytes = Vec::new();
    read_content(&mut source, header::MANIFEST, digest.length, &mut bytes)?;
    read_padding(&mut source, header::MANIFEST, digest.length)?;
    Manifest::verify(&bytes, digest, limits)
}

/// Reads exactly the header of the first payload, which follows the preamble.
pub fn read_first_header(mut source: impl Read, manifest: &Manifest) -> Result<(), Error> {
    match manifest.payloads().first() {
        Some(payload) => read_payload_header(&mut source, payload),
        None => Ok(()),
    }
}

/// A strict streaming reader of a whole bundle. It holds one stored frame and one raw frame at a time.
pub struct Reader<R> {
    source: R,
    manifest: Manifest,
}

impl<R: Read> Reader<R> {
    /// Reads the preamble.
    pub fn new(mut source: R, digest: &ManifestDigest, limits: &Limits) -> Result<Self, Error> {
        let manifest = read_manifest(&mut source, digest, limits)?;
        Ok(Self { source, manifest })
    }

    /// The verified manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads on to the end of the file, and hands out the raw bytes of each frame in order, each with its hash
    /// compared. Only when this returns the manifest was the whole file good, and every image what it should be.
    pub fn read(
        mut self,
        mut sink: impl FnMut(Position, &[u8]) -> io::Result<()>,
    ) -> Result<Manifest, Error> {
        let mut decoder = Decoder::new()?;
        for (index, payload) in self.manifest.payloads().iter().enumerate() {
            let mut sink = |frame, raw: &[u8]| {
                sink(
                    Position {
                        payload: index,
                        frame,
                    },
                    raw,
                )
            };
            read_payload(&mut self.source, payload, &mut decoder, &mut sink)?;
        }
        read_end(&mut self.source)?;
        Ok(self.manifest)
    }
}

fn read_payload(
    source: &mut impl Read,
    payload: &Payload,
    decoder: &mut Decoder,
    sink: &mut impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<(), Error> {
    let (entry, content) = (header::entry_name(&payload.name), payload.stored_length());
    let (mut stored, mut raw, mut image) = (Vec::new(), Vec::new(), Hasher::new());
    read_payload_header(source, payload)?;
    for (index, frame) in payload.frames.iter().enumerate() {
        read_content(source, &entry, frame.stored.length, &mut stored)?;
        decoder.decode(frame, &stored, &mut raw)?;
        if Sha256::of(&raw) != frame.sha256 {
            return Err(Error::RawHash);
        }
        image.update(&raw);
        sink(index, &raw).map_err(Error::Sink)?;
    }
    read_padding(source, &entry, content)?;
    if image.finish() == payload.sha256 {
        Ok(())
    } else {
        Err(Error::ImageHash {
            payload: payload.name.clone(),
        })
    }
}

fn read_payload_header(source: &mut impl Read, payload: &Payload) -> Result<(), Error> {
    let entry = header::entry_name(&payload.name);
    read_header(source, &entry, payload.stored_length())
}

/// Compares the next block with the one header that may stand here.
fn read_header(source: &mut impl Read, entry: &str, content: u64) -> Result<(), Error> {
    let allowed = header::header(entry, content)?;
    let mut found: Header = [0; _];
    read_exact(source, entry, &mut found)?;
    match header::first_difference(&found, &allowed) {
        Some(field) => Err(Error::Header {
            entry: entry.to_owned(),
            field,
        }),
        None => Ok(()),
    }
}

/// Replaces `bytes` by the next `length` ones, a number that was checked against its limit.
fn read_content(
    source: &mut impl Read,
    entry: &str,
    length: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), Error> {
    bytes.resize(decoder::size(length)?, 0);
    read_exact(source, entry, bytes)
}

fn read_padding(source: &mut impl Read, entry: &str, content: u64) -> Result<(), Error> {
    let mut padding = Vec::new();
    read_content(source, entry, header::padding(content), &mut padding)?;
    if padding.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(Error::Padding {
            entry: entry.to_owned(),
        })
    }
}

fn read_end(source: &mut impl Read) -> Result<(), Error> {
    let mut end = [1; header::END.len()];
    read_exact(source, "the end mark", &mut end)?;
    if end != header::END {
        return Err(Error::End);
    }
    match io::copy(&mut source.take(1), &mut io::sink()).map_err(Error::Read)? {
        0 => Ok(()),
        _ => Err(Error::TrailingData),
    }
}

fn read_exact(source: &mut impl Read, entry: &str, bytes: &mut [u8]) -> Result<(), Error> {
    source
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated {
                entry: entry.to_owned(),
            },
            _ => Error::Read(error),
        })
}
