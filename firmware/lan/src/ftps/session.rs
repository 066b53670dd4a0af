//! One control connection: TLS, login, then commands, until someone ends it.
//!
//! Before login it answers what gives nothing away, and opens neither files nor ports.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use firstlayer_card::CardPath;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info, warn};

use super::Server;
use super::command::{Command, Password, VERBS};
use super::limits::{GOODBYE, IDLE, LOGINS, REPLY};
use super::line::{Line, LineError, Lines};
use super::listing::Facts;
use super::passive::Passive;
use super::reply::Reply;
use crate::access::{Denied, Session as Login};
use crate::admission::Guest;

/// The control connection itself.
pub(crate) struct Control {
    stream: TlsStream<TcpStream>,
    lines: Lines,
}

/// A client's state.
pub(crate) struct Session {
    pub(crate) control: Control,
    pub(crate) server: Arc<Server>,
    pub(crate) peer: IpAddr,
    pub(crate) local: SocketAddr,
    user: Option<String>,
    /// Whether `PROT P` was said.
    pub(crate) protected: bool,
    pub(crate) folder: CardPath,
    pub(crate) passive: Passive,
    /// Whether `EPSV ALL` was said.
    pub(crate) extended_only: bool,
    /// Where the next transfer starts.
    pub(crate) offset: u64,
    pub(crate) rename: Option<CardPath>,
    pub(crate) facts: Facts,
    /// Lines that came in a transfer and wait for its end.
    pub(crate) queued: VecDeque<Line>,
    pub(crate) lingering: Option<JoinHandle<()>>,
}

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum End {
    /// There is nobody to talk to.
    Gone,
    /// With a last reply.
    Goodbye(Reply),
}

/// Attends to one connection, from its first byte to its last.
pub(crate) async fn attend(
    tcp: TcpStream,
    peer: SocketAddr,
    mut guest: Guest,
    server: Arc<Server>,
) {
    let greeted = tokio::select! {
        biased;
        () = server.stop.cancelled() => None,
        greeted = timeout(guest.log_in_within(), greet(tcp, peer, &mut guest, &server)) => greeted.ok().flatten(),
    };
    let Some((mut session, mut login)) = greeted else {
        return;
    };
    if !guest.logged_in() {
        return;
    }
    let end = tokio::select! {
        biased;
        () = server.stop.cancelled() => End::Goodbye(Reply::new(421, "LAN mode goes off")),
        () = login.revoked() => End::Goodbye(Reply::new(421, "the access code has changed")),
        end = session.serve() => end,
    };
    session.part(end).await;
}

async fn greet(
    tcp: TcpStream,
    peer: SocketAddr,
    guest: &mut Guest,
    server: &Arc<Server>,
) -> Option<(Session, Login)> {
    let local = tcp.local_addr().ok()?;
    let Some(stream) = server.service.secure(tcp, guest).await else {
        debug!(%peer, "no TLS on a control connection");
        return None;
    };
    let mut session = Session {
        control: Control {
            stream,
            lines: Lines::new(),
        },
        server: Arc::clone(server),
        peer: peer.ip().to_canonical(),
        local,
        user: None,
        protected: false,
        folder: CardPath::root(),
        passive: Passive::Closed,
        extended_only: false,
        offset: 0,
        rename: None,
        facts: Facts::ALL,
        queued: VecDeque::new(),
        lingering: None,
    };
    let logged_in = tokio::select! {
        biased;
        () = guest.evicted() => return None,
        logged_in = session.log_in() => logged_in,
    };
    match logged_in {
        Ok(login) => Some((session, login)),
        Err(end) => {
            session.part(end).await;
            None
        }
    }
}

impl Session {
    async fn log_in(&mut self) -> Result<Login, End> {
        self.reply(220, "printer ready").await?;
        let mut wrong = 0;
        loop {
            let line = self.control.line().await?;
            let reply = match Command::parse(&line) {
                Ok(Command::User(name)) => {
                    self.user = Some(name);
                    Reply::new(331, "access code, please")
                }
                Ok(Command::Pass(password)) => match self.check(&password) {
                    None => Reply::new(503, "USER first"),
                    Some(Ok(login)) => return Ok(login),
                    Some(Err(denied)) => {
                        warn!(peer = %self.peer, "a login was refused: {denied}");
                        wrong += 1;
                        if denied == Denied::TooManyAttempts || wrong >= LOGINS {
                            return Err(End::Goodbye(Reply::new(421, denied.to_string())));
                        }
                        Reply::new(530, denied.to_string())
                    }
                },
                Ok(command) => match self.setting(&command)? {
                    Some(reply) => reply,
                    None => Reply::new(530, "log in first"),
                },
                Err(error) => Reply::new(error.code(), error.to_string()),
            };
            self.control.reply(&reply).await?;
        }
    }

    /// None without a user.
    fn check(&mut self, password: &Password) -> Option<Result<Login, Denied>> {
        let user = self.user.take()?;
        let access = &self.server.service.access;
        Some(access.log_in(&user, password.expose(), self.peer, Instant::now()))
    }

    /// Obeys until the session is over.
    async fn serve(&mut self) -> End {
        info!(peer = %self.peer, "a client has logged in");
        if let Err(end) = self.reply(230, "logged in").await {
            return end;
        }
        loop {
            let result = match self.next_line().await {
                Ok(line) => self.obey(&line).await,
                Err(end) => Err(end),
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    async fn next_line(&mut self) -> Result<Line, End> {
        if let Some(line) = self.queued.pop_front() {
            return Ok(line);
        }
        let (control, passive) = (&mut self.control, &mut self.passive);
        let wait = async {
            loop {
                tokio::select! {
                    line = control.line() => return line,
                    () = passive.progress() => {}
                }
            }
        };
        timeout(IDLE, wait)
            .await
            .unwrap_or_else(|_| Err(End::Goodbye(Reply::new(421, "idle for too long"))))
    }

    async fn obey(&mut self, line: &Line) -> Result<(), End> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => return self.reply(error.code(), error.to_string()).await,
        };
        match self.setting(&command)? {
            Some(reply) => self.control.reply(&reply).await,
            None => self.execute(command).await,
        }
    }

    /// Commands that need no login: they touch neither files nor ports.
    fn setting(&mut self, command: &Command) -> Result<Option<Reply>, End> {
        let reply = match command {
            Command::Quit => return Err(End::Goodbye(Reply::new(221, "goodbye"))),
            Command::Noop => Reply::new(200, "here"),
            Command::Syst => Reply::new(215, "UNIX Type: L8"),
            Command::Help => Reply::with_body(214, "Commands:", vec![VERBS.to_owned()]),
            Command::Feat => features(),
            Command::OptsUtf8 => Reply::new(200, "UTF8 is always on"),
            Command::OptsMlst(facts) => {
                self.facts = *facts;
                Reply::new(200, format!("MLST OPTS {}", facts.names()).trim_end())
            }
            Command::Auth => Reply::new(534, "this connection has been TLS from its first byte"),
            Command::Pbsz => Reply::new(200, "PBSZ=0"),
            Command::ProtPrivate => {
                self.protected = true;
                Reply::new(200, "data is private")
            }
            Command::ProtOther => Reply::new(536, "data goes protected only: PROT P"),
            Command::Type => Reply::new(200, "bytes go as they are"),
            Command::Structure | Command::Mode => Reply::new(200, "as always"),
            _ => return Ok(None),
        };
        Ok(Some(reply))
    }

    pub(crate) async fn reply(&mut self, code: u16, text: impl Into<String>) -> Result<(), End> {
        self.control.reply(&Reply::new(code, text)).await
    }

    async fn part(mut self, end: End) {
        self.passive = Passive::Closed;
        let last = async {
            if let End::Goodbye(reply) = end {
                let _ = self.control.reply(&reply).await;
            }
            let _ = self.control.stream.shutdown().await;
        };
        // Whoever takes no last word gets none.
        let _ = timeout(GOODBYE, last).await;
    }
}

impl Control {
    /// The next line. Dropping the future loses nothing.
    pub(crate) async fn line(&mut self) -> Result<Line, End> {
        self.lines.next(&mut self.stream).await.map_err(|error| {
            debug!(%error, "a control connection ends");
            match error {
                LineError::TooLong => End::Goodbye(Reply::new(500, error.to_string())),
                LineError::Closed | LineError::Io(_) => End::Gone,
            }
        })
    }

    pub(crate) async fn reply(&mut self, reply: &Reply) -> Result<(), End> {
        let text = reply.render();
        let send = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        };
        match timeout(REPLY, send).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }
}

/// A client that does not find `AUTH TLS` here sends its data in clear text.
fn features() -> Reply {
    let features = [
        "AUTH TLS",
        "EPSV",
        "MDTM",
        "MFMT",
        "MLST type*;size*;modify*;",
        "PBSZ",
        "PROT",
        "REST STREAM",
        "SIZE",
        "UTF8",
    ];
    Reply::with_body(211, "Features:", features.map(str::to_owned).to_vec())
}
