//! Builds bundles in memory, for every test of this program.

use std::{io::Cursor, num::NonZeroUsize};

use firstlayer_bundle::{
    Counter, Error, Identity, Limits, Manifest, ManifestDigest, Options, PayloadSource, Reader,
    Sha256, Written, write,
};
use proptest::prelude::*;
use serde_json::{Value, json};

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

/// Why a file is refused, in the variant's own name and words; panics if it is accepted.
pub(crate) fn refusal(result: Result<Vec<Vec<u8>>, Error>) -> String {
    format!("{:?}", result.expect_err("a hostile bundle was accepted"))
}

/// A bundle that its publisher signed though it breaks the rules: the digest of the manifest always holds.
pub(crate) struct Forgery {
    pub(crate) manifest: Value,
    pub(crate) content: Vec<u8>,
}

impl Forgery {
    /// A good bundle of this one image, to be spoilt.
    pub(crate) fn new(image: &[u8]) -> Self {
        let Bundle { bytes, written } = bundle(&[("root", image)], &options(1, 1, 1 << 20));
        let json = &bytes[512..512 + written.digest.length as usize];
        let manifest = serde_json::from_slice(json).unwrap();
        let parsed = Manifest::verify(json, &written.digest, &Limits::default()).unwrap();
        let frame = parsed.location(0, 0).unwrap();
        Self {
            manifest,
            content: bytes[frame.start as usize..frame.end as usize].to_vec(),
        }
    }

    /// Puts a value into the manifest: `/payloads/0/length`.
    pub(crate) fn set(&mut self, place: &str, value: impl Into<Value>) -> &mut Self {
        let (parent, key) = place.rsplit_once('/').unwrap();
        match self.manifest.pointer_mut(parent).unwrap() {
            Value::Object(object) => _ = object.insert(key.to_owned(), value.into()),
            parent => parent[key.parse::<usize>().unwrap()] = value.into(),
        }
        self
    }

    /// Stores other bytes as the frame, with length and hash to match.
    pub(crate) fn replace_frame(&mut self, stored: &[u8]) -> &mut Self {
        self.content = stored.to_vec();
        let listed = json!({ "length": stored.len(), "sha256": Sha256::of(stored).to_string() });
        self.set("/payloads/0/frames/0/stored", listed)
    }

    /// Reads it as a printer would.
    pub(crate) fn read(&self) -> Result<Vec<Vec<u8>>, Error> {
        let json = self.manifest.to_string().into_bytes();
        let digest = ManifestDigest {
            length: json.len() as u64,
            sha256: Sha256::of(&json),
        };
        let mut bytes = entry("manifest.json", &json);
        bytes.extend(entry("root.zst", &self.content));
        bytes.extend([0; 1024]);
        extract(&bytes, &digest)
    }
}

/// A tar entry like those of the writer.
pub(crate) fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = [header.as_bytes(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}
