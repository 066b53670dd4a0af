//! What an image says of itself: the release file that the image builder writes into every image.

use firstlayer_bundle::{Board, Counter, Model};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{PolicyError, channel::check_format};

const FORMAT: u32 = 1;
/// A release file names a board and its models: more than this is not one.
const LONGEST: usize = 64 << 10;

/// The release that an image is: `/usr/share/printerd/release.json` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningRelease {
    format: u32,
    /// The board that the image runs on.
    pub board: Board,
    /// The printer models that it serves.
    pub models: Vec<Model>,
    /// Its version.
    pub version: Version,
    /// Its anti-rollback counter.
    pub counter: Counter,
    /// When it was built (the time of its commit): a time that has certainly passed.
    pub built: Timestamp,
}

impl RunningRelease {
    /// The release file of an image with this identity.
    pub fn new(identity: firstlayer_bundle::Identity, built: Timestamp) -> Self {
        let firstlayer_bundle::Identity {
            board,
            models,
            version,
            counter,
        } = identity;
        Self {
            format: FORMAT,
            board,
            models,
            version,
            counter,
            built,
        }
    }

    /// Reads a release file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > LONGEST {
            return Err(PolicyError::TooLong {
                length: bytes.len(),
                limit: LONGEST,
            });
        }
        check_format(bytes, FORMAT)?;
        serde_json::from_slice(bytes).map_err(PolicyError::Malformed)
    }

    /// The document, the same bytes for the same release.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PolicyError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(PolicyError::Malformed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
