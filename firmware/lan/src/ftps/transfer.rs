//! One transfer: what may go over a data connection, and what the client may say meanwhile.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use firstlayer_card::{CardError, CardPath, Entry, Kind, Start};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Server;
use super::command::Command;
use super::limits::{DATA_CONNECTION, QUEUED};
use super::line::Line;
use super::listing::Form;
use super::passive::Passive;
use super::receive::receive;
use super::records::Records;
use super::reply::Reply;
use super::send::{drain, send_file, send_listing};
use super::session::{End, Session};

/// TLS on a data connection.
pub(crate) type DataStream = TlsStream<Records>;

/// What a client asks for.
#[derive(Debug)]
pub(crate) enum Job {
    Store {
        path: CardPath,
        start: Start,
    },
    /// Behind what there is of it.
    Append {
        path: CardPath,
    },
    Retrieve {
        path: CardPath,
        offset: u64,
    },
    /// With the names of a folder, or of the one file.
    List {
        path: CardPath,
        form: Form,
    },
}

/// A job that the card has agreed to.
enum Prepared {
    Store(CardPath, Start),
    Retrieve(File, u64),
    List(Vec<Entry>, Form),
}

/// How a transfer ended.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// A socket to keep until the client has closed its end.
    pub(crate) linger: Option<TcpStream>,
}

impl Outcome {
    pub(crate) fn reply(reply: Reply) -> Self {
        Self {
            reply,
            linger: None,
        }
    }
}

impl Session {
    /// Does a transfer, with all its replies.
    pub(crate) async fn transfer(&mut self, job: Job) -> Result<(), End> {
        let passive = self.passive.take();
        if !self.protected {
            return self
                .reply(521, "data goes protected only: PBSZ 0 and PROT P first")
                .await;
        }
        let Some(passive) = passive else {
            return self.reply(425, "PASV or EPSV first").await;
        };
        let Ok(_place) = Arc::clone(&self.server.transfers).try_acquire_owned() else {
            return self.reply(450, "too many transfers at once").await;
        };
        let prepared = match prepare(&self.server, job).await {
            Ok(prepared) => prepared,
            Err(reply) => return self.control.reply(&reply).await,
        };
        self.reply(150, prepared.announcement()).await?;
        self.run(passive, prepared).await
    }

    async fn run(&mut self, passive: Passive, prepared: Prepared) -> Result<(), End> {
        let abort = CancellationToken::new();
        let server = Arc::clone(&self.server);
        let mut work = pin!(work(&server, passive, prepared, &abort));
        let (mut gone, mut aborted) = (None, false);
        let outcome = loop {
            tokio::select! {
                // The control connection first: when it has ended, the end of the data connection is no end of a
                // file.
                biased;
                line = self.control.line(), if self.queued.len() < QUEUED && gone.is_none() => match line {
                    Ok(line) if is_abort(&line) => {
                        abort.cancel();
                        aborted = true;
                    }
                    Ok(line) => self.meanwhile(line).await?,
                    Err(end) => {
                        abort.cancel();
                        gone = Some(end);
                    }
                },
                outcome = &mut work => break outcome,
            }
        };
        if let Some(end) = gone {
            debug!(peer = %self.peer, "the control connection ended in a transfer");
            return Err(end);
        }
        self.control.reply(&outcome.reply).await?;
        if let Some(tcp) = outcome.linger {
            self.keep(tcp);
        }
        if aborted {
            self.reply(226, "aborted").await
        } else {
            Ok(())
        }
    }

    /// Answers what can be answered in a transfer; anything else waits for its end.
    async fn meanwhile(&mut self, line: Line) -> Result<(), End> {
        match Command::parse(&line) {
            Ok(Command::Noop) => self.reply(200, "a transfer is under way").await,
            Ok(Command::Stat) => self.reply(213, "a transfer is under way").await,
            _ => {
                self.queued.push_back(line);
                Ok(())
            }
        }
    }

    /// At most one socket a session lingers.
    fn keep(&mut self, tcp: TcpStream) {
        let stop = self.server.stop.clone();
        let task = self.server.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = drain(tcp) => {}
            }
        });
        if let Some(earlier) = self.lingering.replace(task) {
            earlier.abort();
        }
    }
}

impl Prepared {
    fn announcement(&self) -> String {
        match self {
            Self::Store(path, _) => format!("send {path}"),
            // Clients read the size from here.
            Self::Retrieve(_, size) => format!("here it comes ({size} bytes)"),
            Self::List(..) => "here comes the listing".to_owned(),
        }
    }
}

fn is_abort(line: &Line) -> bool {
    matches!(Command::parse(line), Ok(Command::Abor))
}

async fn prepare(server: &Server, job: Job) -> Result<Prepared, Reply> {
    server
        .on_card(move |card| match job {
            Job::Store { path, start } => {
                card.check_upload(&path, start)?;
                Ok(Prepared::Store(path, start))
            }
            Job::Append { path } => {
                let size = || card.metadata(&path).ok().map(|entry| entry.size);
                let start = Start::At(card.partial_size(&path).or_else(size).unwrap_or(0));
                card.check_upload(&path, start)?;
                Ok(Prepared::Store(path, start))
            }
            Job::Retrieve { path, offset } => {
                let mut file = card.read(&path)?;
                let have = file.metadata()?.len();
                let size = have
                    .checked_sub(offset)
                    .ok_or(CardError::WrongOffset { have })?;
                file.seek(SeekFrom::Start(offset))?;
                Ok(Prepared::Retrieve(file, size))
            }
            Job::List { path, form } => {
                let mut entry = card.metadata(&path)?;
                match (entry.kind, form) {
                    (Kind::Folder, form) => Ok(Prepared::List(card.list(&path)?, form)),
                    (Kind::File, Form::Facts(_)) => Err(CardError::NotAFolder),
                    (Kind::File, Form::Names(named)) => {
                        // As the client named it.
                        entry.name = named.trim_end_matches('/').to_owned();
                        Ok(Prepared::List(vec![entry], Form::Names(String::new())))
                    }
                    (Kind::File, form) => Ok(Prepared::List(vec![entry], form)),
                }
            }
        })
        .await
}

async fn work(
    server: &Server,
    passive: Passive,
    prepared: Prepared,
    abort: &CancellationToken,
) -> Outcome {
    let connected = tokio::select! {
        biased;
        () = abort.cancelled() => Err("the transfer was aborted"),
        connected = timeout(DATA_CONNECTION, connect(server, passive)) => connected.unwrap_or(Err("no data connection came")),
    };
    let stream = match connected {
        Ok(stream) => stream,
        Err(text) => return Outcome::reply(Reply::new(425, text)),
    };
    match prepared {
        Prepared::Store(path, start) => {
            Outcome::reply(receive(server, stream, path, start, abort).await)
        }
        Prepared::Retrieve(file, _) => send_file(server, stream, file, abort).await,
        Prepared::List(entries, form) => send_listing(stream, entries, form, abort).await,
    }
}

async fn connect(server: &Server, passive: Passive) -> Result<DataStream, &'static str> {
    let tcp = passive
        .connection()
        .await
        .map_err(|_| "the data connection failed")?;
    // Without it, the last segment of a file waits for an acknowledgement.
    let _ = tcp.set_nodelay(true);
    server
        .data
        .accept(Records::new(tcp))
        .await
        .map_err(|error| {
            debug!(%error, "no TLS on a data connection");
            "the data connection did not speak TLS"
        })
}

/// The moment that a listing for people is written for.
pub(crate) fn long_form() -> Form {
    Form::Long(SystemTime::now())
}
