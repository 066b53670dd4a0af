//! The console: how the printer's own command line reaches the running service.
//!
//! A Unix socket in a folder that only the printer's own user can enter; one line of JSON asks, one answers. It is
//! never reachable over a network.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, unix::WriteHalf},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{cloud::LinkState, service::lan::Standing};

/// A question is one short line.
const LONGEST_QUESTION: u64 = 4096;
/// An answer holds the whole status at most.
const LONGEST_ANSWER: u64 = 1 << 20;
/// The service answers at once; turning LAN mode off ends connections first.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the command line asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
pub enum Question {
    /// How the printer stands.
    Status,
    /// Turn LAN mode on or off.
    Lan {
        /// On or off.
        on: bool,
    },
    /// Show the access code.
    AccessCode {
        /// Make a new one first, which ends every open connection.
        new: bool,
    },
    /// Show the certificate's fingerprint and the authority.
    Certificate {
        /// Make a new certificate first, by the same authority.
        renew: bool,
    },
}

/// What the service answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It failed.
    Failure {
        /// Why.
        failure: String,
    },
    /// Of [`Question::AccessCode`].
    AccessCode {
        /// The user that LAN clients log in as.
        user: String,
        /// Their password.
        access_code: String,
    },
    /// Of [`Question::Certificate`].
    Certificate(Certificate),
    /// Of [`Question::Status`].
    Status {
        /// LAN mode.
        lan: Standing,
        /// The link to the cloud.
        cloud: LinkState,
        /// Everything that the printer knows of itself.
        printer: Value,
    },
    /// Of [`Question::Lan`].
    Lan(Standing),
}

/// The printer's certificate, as people and clients compare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The serial number, its name.
    pub serial: String,
    /// SHA-256 of the certificate.
    pub fingerprint: String,
    /// Its last day.
    pub ends: String,
    /// SHA-256 of its authority's certificate.
    pub authority_fingerprint: String,
    /// The authority's certificate in PEM, for clients to trust.
    pub authority: String,
}

/// No service runs, or it does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the printer's service does not answer at {socket}: is `printerd run` at work?")]
pub struct NoService {
    socket: String,
    #[source]
    source: io::Error,
}

/// Asks the running service.
pub fn ask(socket: &Path, question: Question) -> anyhow::Result<Answer> {
    let line = exchange(socket, question).map_err(|source| NoService {
        socket: socket.display().to_string(),
        source,
    })?;
    let answer = serde_json::from_str(&line).context("reading the service's answer")?;
    match answer {
        Answer::Failure { failure } => Err(anyhow::Error::msg(failure)),
        answer => Ok(answer),
    }
}

fn exchange(socket: &Path, question: Question) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&question)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_ANSWER)).read_line(&mut answer)?;
    Ok(answer)
}

/// The console's socket, open.
#[derive(Debug)]
pub struct Console {
    listener: UnixListener,
    socket: PathBuf,
}

impl Console {
    /// Opens it. The service's lock says that no other service has it.
    pub fn open(socket: &Path) -> io::Result<Self> {
        // A service that was killed left its socket behind.
        match fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            listener: UnixListener::bind(socket)?,
            socket: socket.to_owned(),
        })
    }

    /// Answers questions one after the other until `stop` is cancelled.
    pub async fn serve(
        self,
        stop: CancellationToken,
        answer: impl AsyncFn(Question) -> anyhow::Result<Answer>,
    ) {
        while let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await {
            let Ok((stream, _)) = accepted else { continue };
            if let Err(error) = converse(stream, &answer).await {
                tracing::debug!(%error, "the console went away before its answer");
            }
        }
        // The next service removes it too, but nobody should find a socket that nothing answers.
        let _ = fs::remove_file(&self.socket);
    }
}

async fn converse(
    mut stream: tokio::net::UnixStream,
    answer: &impl AsyncFn(Question) -> anyhow::Result<Answer>,
) -> io::Result<()> {
    let (reader, writer) = stream.split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(reader.take(LONGEST_QUESTION));
    timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let answered = match serde_json::from_str(&line) {
        Ok(question) => answer(question).await,
        Err(error) => Err(anyhow::Error::new(error).context("the question is not understood")),
    };
    let answered = answered.unwrap_or_else(|error| Answer::Failure {
        failure: format!("{error:#}"),
    });
    write(writer, &answered).await
}

async fn write(mut writer: WriteHalf<'_>, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    writer.write_all(&line).await
}
