//! The update container: writer and strict reader.
//!
//! A bundle is a plain tar whose first entry is a manifest, and whose payloads are independent zstd frames that the
//! manifest lists with their hashes; `FORMAT.md` beside this crate describes every byte. The channel manifest carries
//! the signed digest of the bundle's manifest, and from there the trust goes down: manifest, frame, image.
//!
//! Nothing here opens a file or a socket, or reads a clock. Nothing is parsed before its hash holds, and nothing is
//! ever taken from a tar header: the reader computes the one header that it accepts, and compares.

mod decoder;
mod error;
mod header;
mod identity;
mod limits;
mod manifest;
mod name;
mod pipeline;
mod reader;
mod sha256;
mod wire;
mod writer;

pub use decoder::Decoder;
pub use error::{Error, WriteError};
pub use identity::{Counter, CounterTooLarge, Identity};
pub use limits::Limits;
pub use manifest::{Base, Frame, Manifest, ManifestDigest, Payload, Reference, Stored};
pub use name::{Board, Model, NameError, PayloadName, check_name};
pub use reader::{Position, Reader, read_first_header, read_manifest};
pub use sha256::{DigestError, Hasher, Sha256};
pub use writer::{Options, PayloadSource, Written, write};
