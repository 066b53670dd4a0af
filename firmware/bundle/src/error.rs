//! What can go wrong, and whose fault it is.

use std::io;

use crate::PayloadName;

/// Why a bundle was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source failed; trying again may help.
    #[error("the bundle could not be read")]
    Read(#[source] io::Error),
    /// The caller's own sink for frames failed.
    #[error("a frame of the bundle was good, but could not be taken over")]
    Sink(#[source] io::Error),
    /// The working memory could not be had.
    #[error("there is no memory for decompressing")]
    Memory(#[source] io::Error),

    /// The file is shorter than its manifest says: cut in transit, or damaged where it is kept.
    #[error("the bundle ends too early, in {entry}")]
    Truncated {
        /// The entry that is incomplete, or "the end mark".
        entry: String,
    },
    /// The file is not the published one.
    #[error("the bundle's manifest is not the one that was signed for it")]
    ManifestMismatch,
    /// The file is not what the writer wrote: tampered with, or made by something else.
    #[error(
        "the bundle's tar header for {entry} differs from the only one allowed, in its {field}"
    )]
    Header {
        /// The entry that the manifest says comes here.
        entry: String,
        /// The first field that differs, in the words of POSIX ustar.
        field: &'static str,
    },
    /// The file hides data in its padding.
    #[error("the bundle's padding after {entry} is not zero")]
    Padding {
        /// The entry before the padding.
        entry: String,
    },
    /// The file goes on where it should end.
    #[error("the bundle does not end with two zero blocks after its last payload")]
    End,
    /// The file has something behind its end.
    #[error("the bundle has data after its end")]
    TrailingData,
    /// The stored bytes are not the published ones.
    #[error("a frame has {found} stored bytes, and its manifest says {expected}")]
    StoredLength {
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// The stored bytes are not the published ones.
    #[error("a frame's stored bytes do not have the hash in the manifest")]
    StoredHash,

    /// The publisher signed a manifest over the limit.
    #[error("the signed manifest has {length} bytes, and at most {limit} are accepted")]
    ManifestTooLong {
        /// Its bytes.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The publisher is ahead of this reader.
    #[error("the signed manifest has format {0}, and this reader knows format 1 only")]
    UnknownFormat(u32),
    /// The publisher signed something that is no manifest.
    #[error("the signed manifest is not of the form that its format prescribes")]
    ManifestForm(#[source] serde_json::Error),
    /// The publisher signed a manifest with too much in it.
    #[error("the signed manifest has {what} of {value}, and {limit} is the limit")]
    OverLimit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// The publisher signed a manifest that contradicts itself.
    #[error("the signed manifest contradicts itself: {what}")]
    Contradiction {
        /// Which statement does not hold.
        what: &'static str,
    },
    /// The publisher signed a delta, which this reader cannot apply yet.
    #[error(
        "the payload {payload} is a delta: it needs a base image, and this reader takes full images only"
    )]
    DeltaNeedsBase {
        /// The payload with a base.
        payload: PayloadName,
    },
    /// The publisher's stored bytes are not a frame of this format.
    #[error("a signed frame does not begin with the only zstd frame header allowed for its length")]
    FrameHeader,
    /// The publisher's stored bytes hold more or less than one zstd frame.
    #[error("a signed frame is not exactly one zstd frame")]
    FrameExtent,
    /// The publisher's stored bytes do not decompress.
    #[error("a signed frame does not decompress to its length")]
    Decompress(#[source] io::Error),
    /// The publisher's frame is not the piece of the image that its manifest promises.
    #[error("a signed frame decompresses to other bytes than its manifest promises")]
    RawHash,
    /// The publisher's frames do not make the image that the manifest promises.
    #[error("the frames of the payload {payload} make another image than its manifest promises")]
    ImageHash {
        /// The payload in question.
        payload: PayloadName,
    },
}

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The caller's image could not be read.
    #[error("the image of the payload {payload} could not be read")]
    Source {
        /// The payload in question.
        payload: PayloadName,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The caller's image changed while it was read, or its length was told wrong.
    #[error(
        "the image of the payload {payload} does not have the {expected} bytes that were announced"
    )]
    SourceLength {
        /// The payload in question.
        payload: PayloadName,
        /// Bytes announced.
        expected: u64,
    },
    /// The caller asked for something outside the format.
    #[error("a bundle cannot hold what it was given")]
    Refused(#[source] Error),
    /// The caller asked for a level that the format does not use.
    #[error("the compression level is 1 to 19, and {0} was asked for")]
    Level(i32),
    /// The caller asked for frames that no reader would take.
    #[error("frames hold 1 to {limit} bytes, and {length} were asked for")]
    FrameLength {
        /// Bytes asked for.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A thread of the compressor ended before its time.
    #[error("a compressing thread failed")]
    Worker,
    /// The compressor failed.
    #[error("a frame could not be compressed")]
    Compress(#[source] io::Error),
    /// The spool failed.
    #[error("the compressed frames could not be kept in the spool")]
    Spool(#[source] io::Error),
    /// The manifest could not be put into JSON.
    #[error("the manifest could not be written as JSON")]
    Manifest(#[source] serde_json::Error),
    /// The output failed.
    #[error("the bundle could not be written")]
    Write(#[source] io::Error),
}
