//! A bundle at the repository: its manifest, and its frames from any one on, in a single ranged stream.

use std::{
    io::{self, Read},
    ops::Range,
};

use firstlayer_bundle::{Error, Limits, Manifest, read_first_header, read_manifest};
use firstlayer_policy::Release;

use crate::{AgentError, Fetch, FetchError, Progress, Request, retry::Retries};

/// A bundle that is being fetched. Remembers what identifies the file, so that a changed one is noticed.
pub(crate) struct Bundle<'a> {
    pub(crate) fetch: &'a mut dyn Fetch,
    pub(crate) retries: Retries<'a>,
    pub(crate) release: &'a Release,
    /// Path of the file in the repository.
    pub(crate) path: &'a str,
    pub(crate) validator: Option<String>,
}

/// A part of the file, from its first byte on.
pub(crate) struct Part {
    body: Box<dyn Read>,
    /// Whether the server promised to end where it was asked to.
    ranged: bool,
}

impl Bundle<'_> {
    /// Fetches what comes before the first frame, and verifies the manifest and the tar headers in it. That is done for
    /// every install, also one that goes on where another was cut.
    pub(crate) fn manifest(
        &mut self,
        limits: &Limits,
        progress: &mut dyn Progress,
    ) -> Result<Manifest, AgentError> {
        let digest = &self.release.bundle.manifest;
        if digest.length > limits.manifest {
            let source = Error::ManifestTooLong {
                length: digest.length,
                limit: limits.manifest,
            };
            return Err(self.refused(source));
        }
        let bytes = self.opening(Manifest::opening_length(digest), progress)?;
        let mut rest = bytes.as_slice();
        let manifest =
            read_manifest(&mut rest, digest, limits).map_err(|error| self.refused(error))?;
        if manifest.bundle_length() != self.release.bundle.length {
            return Err(self.contradiction("its frames do not add up to its length"));
        }
        read_first_header(rest, &manifest).map_err(|error| self.refused(error))?;
        Ok(manifest)
    }

    fn opening(&mut self, length: u64, progress: &mut dyn Progress) -> Result<Vec<u8>, AgentError> {
        loop {
            let read = self.open(0..length).and_then(|mut part| {
                let mut bytes = Vec::new();
                part.read(length, &mut bytes).and_then(|()| part.end())?;
                Ok(bytes)
            });
            match read {
                Err(AgentError::Fetch(error)) => self.retries.wait(error, progress)?,
                done => return done,
            }
        }
    }

    /// Opens the file at `range`; one try.
    pub(crate) fn open(&mut self, range: Range<u64>) -> Result<Part, AgentError> {
        let validator = self.validator.clone();
        let request = Request {
            path: self.path,
            range: Some(range.clone()),
            validator: validator.as_deref(),
        };
        let name = || self.release.bundle.target.clone();
        let content = match self.fetch.open(&request) {
            Ok(content) => content.ok_or_else(|| AgentError::Absent { name: name() })?,
            // The range lies outside the file: it is shorter than what was signed.
            Err(FetchError::Refused { status: 416 }) => {
                return Err(AgentError::Changed {
                    name: name(),
                    source: None,
                });
            }
            Err(error) => return Err(error.into()),
        };
        let other = |one: &Option<String>, other: &Option<String>| {
            one.is_some() && other.is_some() && one != other
        };
        if content
            .total
            .is_some_and(|total| total != self.release.bundle.length)
            || other(&content.validator, &validator)
        {
            return Err(AgentError::Changed {
                name: name(),
                source: None,
            });
        }
        self.validator = content.validator.or(validator);
        let mut part = Part {
            body: content.body,
            ranged: content.ranged,
        };
        if !part.ranged {
            part.skip(range.start)?;
        }
        Ok(part)
    }

    /// Says whether the bytes are not the signed ones, or are and cannot be used.
    pub(crate) fn refused(&self, error: Error) -> AgentError {
        match error {
            Error::Read(source) => AgentError::Fetch(FetchError::broken_off(source)),
            Error::Memory(source) => AgentError::Storage {
                what: "get memory for decompressing",
                source,
            },
            Error::Truncated { .. }
            | Error::ManifestMismatch
            | Error::Header { .. }
            | Error::Padding { .. }
            | Error::End
            | Error::TrailingData
            | Error::StoredLength { .. }
            | Error::StoredHash => AgentError::Changed {
                name: self.release.bundle.target.clone(),
                source: Some(error),
            },
            source => AgentError::Bundle {
                version: self.release.version.clone(),
                source,
            },
        }
    }

    fn contradiction(&self, what: &'static str) -> AgentError {
        AgentError::Contradiction {
            name: self.release.bundle.target.clone(),
            what,
        }
    }
}

impl Part {
    /// Replaces `bytes` by the next `length` ones.
    pub(crate) fn read(&mut self, length: u64, bytes: &mut Vec<u8>) -> Result<(), AgentError> {
        let length = usize::try_from(length).map_err(|_| too_short())?;
        bytes.resize(length, 0);
        self.body
            .read_exact(bytes)
            .map_err(FetchError::broken_off)?;
        Ok(())
    }

    /// The part has to end here, where the server was asked for no more.
    pub(crate) fn end(&mut self) -> Result<(), AgentError> {
        let mut more = [0];
        if self.ranged && self.body.read(&mut more).map_err(FetchError::broken_off)? > 0 {
            return Err(
                FetchError::Protocol("it sent more than it was asked for".to_owned()).into(),
            );
        }
        Ok(())
    }

    /// A server that ignores ranges begins at 0: what comes before the part is read and dropped.
    fn skip(&mut self, excess: u64) -> Result<(), AgentError> {
        let skipped = io::copy(&mut self.body.by_ref().take(excess), &mut io::sink())
            .map_err(FetchError::broken_off)?;
        if skipped == excess {
            Ok(())
        } else {
            Err(too_short())
        }
    }
}

fn too_short() -> AgentError {
    FetchError::broken_off(io::ErrorKind::UnexpectedEof.into()).into()
}
