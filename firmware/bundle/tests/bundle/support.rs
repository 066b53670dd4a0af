//! Builds bundles in memory, for every test of this program.

use std::{io::Cursor, num::NonZeroUsize};

use firstlayer_bundle::{
    Counter, Error, Identity, Limits, ManifestDigest, Options, PayloadSource, Reader, Written,
    write,
};
use proptest::prelude::*;

/// A bundle and what the writer said of it.
pub(crate) struct Bundle {
    pub(crate) bytes: Vec<u8>,
    pub(crate) written: Written,
}

/// The identity that every bundle here has.
pub(crate) fn identity() -> Identity {
    Identity {
        board: "virt-aarch64".parse().unwrap(),
        models: vec!["p1".parse().unwrap(), "x1".parse().unwrap()],
        version: "1.2.3-rc.1".parse().unwrap(),
        counter: Counter::new(7).unwrap(),
    }
}

pub(crate) fn options(level: i32, threads: usize, frame_length: u64) -> Options {
    Options {
        level,
        threads: NonZeroUsize::new(threads).unwrap(),
        frame_length,
    }
}

/// A bundle of these images.
pub(crate) fn bundle(images: &[(&str, &[u8])], options: &Options) -> Bundle {
    let mut bytes = Vec::new();
    let sources = images
        .iter()
        .map(|(name, image)| source(name, image))
        .collect();
    let written = write(
        identity(),
        sources,
        &mut Cursor::new(Vec::new()),
        &mut bytes,
        options,
    )
    .unwrap();
    Bundle { bytes, written }
}

pub(crate) fn source<'a>(name: &str, image: &'a [u8]) -> PayloadSource<'a> {
    PayloadSource {
        name: name.parse().unwrap(),
        length: image.len() as u64,
        reader: Box::new(image),
    }
}

/// All images of a bundle, if the reader accepts the whole of it.
pub(crate) fn extract(bytes: &[u8], digest: &ManifestDigest) -> Result<Vec<Vec<u8>>, Error> {
    let reader = Reader::new(bytes, digest, &Limits::default())?;
    let mut images = vec![Vec::new(); reader.manifest().payloads().len()];
    reader.read(|position, raw| {
        images[position.payload].extend_from_slice(raw);
        Ok(())
    })?;
    Ok(images)
}

/// Images of a few frames, some that compress and some that do not.
pub(crate) fn images() -> impl Strategy<Value = Vec<u8>> {
    let repeated = (any::<u8>(), 1_usize..20_000).prop_map(|(byte, length)| vec![byte; length]);
    prop_oneof![proptest::collection::vec(any::<u8>(), 1..20_000), repeated]
}
