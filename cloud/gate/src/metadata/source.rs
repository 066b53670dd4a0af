//! Where the repository's files come from. The signatures carry the trust: TLS only hides what is fetched.
//!
//! It must never wait for ever: a server that lets a byte drip now and then would hold back every later rule.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Instant;

use firstlayer_metadata::Remote;
use reqwest::blocking::{Client, Response};
use reqwest::{StatusCode, Url};

use super::folder::read_at_most;
use crate::limits::{FETCH, FETCH_PAUSE};

/// Where the repository's files come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A web server.
    Web {
        /// The repository; its path ends with a slash.
        base: Url,
        /// Who asks.
        client: Client,
    },
    /// A folder.
    Folder(PathBuf),
    /// The files that were accepted last, by their paths.
    Kept(BTreeMap<String, String>),
}

/// Why a file neither came nor was said not to be there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The server was not reached, or did not answer.
    #[error("the repository does not answer")]
    Request(#[source] Box<reqwest::Error>),
    /// The server answered something else than the file.
    #[error("the repository answers with {0}")]
    Status(StatusCode),
    /// The answer ended early, or the folder cannot be read.
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
    /// The answer does not end.
    #[error("the repository takes more than {} s for one file", FETCH.as_secs())]
    Slow,
    /// No URL of a repository's file.
    #[error("the file's name makes no URL")]
    Name,
}

impl Source {
    /// The file at this path of the repository; one byte more than `limit` of a longer one.
    ///
    /// # Errors
    /// It could not be found out whether there is one, or what it is.
    pub fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        match self {
            Self::Web { base, client } => {
                let url = base.join(path).map_err(|_| SourceError::Name)?;
                fetched(client, url, limit)
            }
            Self::Folder(folder) => {
                read_at_most(&folder.join(path), limit).map_err(SourceError::Read)
            }
            Self::Kept(files) => Ok(files.get(path).map(|text| text.clone().into_bytes())),
        }
    }
}

impl Remote for Source {
    type Error = SourceError;

    fn fetch(&mut self, file: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        match self.file(&format!("metadata/{file}"), limit) {
            // An object store that lists nothing to strangers says "forbidden" of what it does not have, and the root
            // after the newest is asked for each time.
            Err(SourceError::Status(StatusCode::FORBIDDEN)) if file.ends_with(".root.json") => {
                Ok(None)
            }
            done => done,
        }
    }
}

fn fetched(client: &Client, url: Url, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
    let begun = Instant::now();
    let answer = client
        .get(url)
        .timeout(FETCH_PAUSE)
        .send()
        .map_err(|error| SourceError::Request(Box::new(error.without_url())))?;
    match answer.status() {
        StatusCode::OK => read(answer, limit, begun).map(Some),
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        status => Err(SourceError::Status(status)),
    }
}

fn read(answer: Response, limit: u64, begun: Instant) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let mut part = [0; 8 << 10];
    let mut body = answer.take(limit.saturating_add(1));
    loop {
        let count = body.read(&mut part).map_err(SourceError::Read)?;
        if count == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(part.get(..count).unwrap_or_default());
        if begun.elapsed() > FETCH {
            return Err(SourceError::Slow);
        }
    }
}
