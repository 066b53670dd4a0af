//! One client's connection: its socket, its clock, and everything that can end it.
//!
//! Waits for all of them at once, so that a changed code, a closing port or a newcomer's claim ends it wherever it
//! is, also within the TLS handshake. It never reads more from a peer than the peer takes from it.

mod waits;

use std::net::SocketAddr;

use bytes::Bytes;
use mqtt_protocol_core::mqtt::common::Cursor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use super::clients::Presence;
use super::conversation::{Command, Conversation, Dismissal, Login, Step};
use super::patience::{Lapse, Patience};
use super::{Broker, Request};
use crate::access::Session;
use crate::admission::Guest;
use crate::limits;
use waits::{Happened, dismissed, lapsed, next, write};

/// What is read at a time.
const INPUT_BYTES: usize = 4 * 1024;

/// A connection after its TLS handshake.
pub(super) struct Connection<'a> {
    broker: &'a Broker,
    from: SocketAddr,
    guest: Guest,
    conversation: Conversation,
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    /// Bytes that were read; `unread` of them are still to be dealt with.
    input: Box<[u8; INPUT_BYTES]>,
    unread: std::ops::Range<usize>,
    received_before_login: usize,
    member: Option<Member>,
    /// A command that the printer has no room for yet.
    waiting: Option<Command>,
    reports: Option<broadcast::Receiver<Bytes>>,
    patience: Patience,
    /// Whether TLS holds bytes that the socket has not taken.
    unflushed: bool,
}

/// A client that has logged in.
struct Member {
    session: Session,
    presence: Presence,
}

/// The connection is over; what is outgoing may still be sent.
struct Over;

impl<'a> Connection<'a> {
    /// Serves one client until it leaves, or has to.
    pub(super) async fn serve(
        stream: TcpStream,
        from: SocketAddr,
        mut guest: Guest,
        broker: &'a Broker,
    ) {
        let log_in_by = Instant::now() + guest.log_in_within();
        let secured = tokio::select! {
            biased;
            () = broker.stop.cancelled() => return,
            secured = timeout_at(log_in_by, broker.service.secure(stream, &mut guest)) => secured,
        };
        let stream = match secured {
            Ok(Some(stream)) => stream,
            Ok(None) | Err(_) => return tracing::debug!(%from, "MQTT: no TLS handshake in time"),
        };
        let mut connection = Self::new(stream, from, guest, log_in_by, broker);
        while let Ok(()) = connection.deal_with_input() {
            let happened = connection.wait().await;
            if connection.carry_on(happened).is_err() {
                break;
            }
        }
        connection.farewell().await;
    }

    fn new(
        mut stream: TlsStream<TcpStream>,
        from: SocketAddr,
        guest: Guest,
        log_in_by: Instant,
        broker: &'a Broker,
    ) -> Self {
        stream
            .get_mut()
            .1
            .set_buffer_limit(Some(limits::BYTES_UNSENT_IN_TLS));
        let (reader, writer) = tokio::io::split(stream);
        Self {
            broker,
            from,
            guest,
            conversation: Conversation::new(),
            reader,
            writer,
            input: Box::new([0; INPUT_BYTES]),
            unread: 0..0,
            received_before_login: 0,
            member: None,
            waiting: None,
            reports: None,
            patience: Patience::new(Instant::now(), log_in_by),
            unflushed: false,
        }
    }

    /// Deals with packets until there is no whole one, or a command has to wait.
    fn deal_with_input(&mut self) -> Result<(), Over> {
        while self.waiting.is_none() && self.conversation.has_room() {
            let Some(bytes) = self
                .input
                .get(self.unread.clone())
                .filter(|bytes| !bytes.is_empty())
            else {
                break;
            };
            let mut cursor = Cursor::new(bytes);
            let step = self.conversation.receive(&mut cursor, &self.broker.topics);
            self.unread.start += usize::try_from(cursor.position()).unwrap_or(bytes.len());
            if !matches!(step, Step::Hungry) {
                self.patience.heard(Instant::now());
            }
            match step {
                Step::Hungry | Step::Done => {}
                Step::LogIn(login) => self.log_in(&login)?,
                Step::Command(command) => self.waiting = Some(command),
                Step::End(ended) => {
                    tracing::debug!(from = %self.from, "MQTT: {ended}");
                    return Err(Over);
                }
            }
        }
        self.listen_for_reports();
        self.note_what_is_pending();
        Ok(())
    }

    fn log_in(&mut self, login: &Login) -> Result<(), Over> {
        let now = Instant::now().into_std();
        let access = &self.broker.service.access;
        match access.log_in(&login.user, &login.password, self.from.ip(), now) {
            Ok(session) if self.guest.logged_in() => {
                let presence = self.broker.clients.enter(&login.name);
                self.conversation
                    .welcome(login, presence.name())
                    .map_err(|_| Over)?;
                tracing::info!(from = %self.from, client = ?presence.name(), "MQTT: logged in");
                self.patience.logged_in();
                self.member = Some(Member { session, presence });
                Ok(())
            }
            // Evicted in this very moment: there is no place any more.
            Ok(_) => Err(Over),
            Err(denied) => {
                tracing::debug!(from = %self.from, "MQTT: {denied}");
                self.conversation.refuse(denied);
                Err(Over)
            }
        }
    }

    /// Reports are heard from the subscription on: who has none must not fall behind.
    fn listen_for_reports(&mut self) {
        match (self.conversation.wants_reports(), &self.reports) {
            (true, None) => self.reports = Some(self.broker.messages.reports.subscribe()),
            (false, Some(_)) => self.reports = None,
            _ => {}
        }
    }

    async fn wait(&mut self) -> Happened<'a> {
        let broker = self.broker;
        // A peer that is not read from is not silent.
        let may_read = self.may_read();
        let silence = may_read.then(|| self.conversation.may_be_silent_for());
        let ends = self.patience.ends(silence);
        let is_waiting = self.waiting.is_some();
        let may_report = self.conversation.has_room_for_report();
        let is_pending = self.is_pending();
        let outgoing = self.conversation.outgoing();
        let happened = tokio::select! {
            biased;
            () = broker.stop.cancelled() => Happened::Dismissed(Dismissal::ShuttingDown),
            dismissal = dismissed(&mut self.member) => Happened::Dismissed(dismissal),
            () = self.guest.evicted() => Happened::Evicted,
            lapse = lapsed(ends) => Happened::Lapsed(lapse),
            wrote = write(&mut self.writer, outgoing), if is_pending => wrote,
            room = broker.messages.requests.reserve(), if is_waiting => Happened::Room(room),
            read = self.reader.read(self.input.as_mut_slice()), if may_read => Happened::Read(read),
            report = next(&mut self.reports), if may_report => Happened::Reported(report),
        };
        self.patience.listened(may_read, Instant::now());
        happened
    }

    fn carry_on(&mut self, happened: Happened<'a>) -> Result<(), Over> {
        match happened {
            Happened::Read(Ok(count)) if count > 0 => self.has_read(count),
            Happened::Wrote(Ok(count)) if count > 0 => {
                self.conversation.sent(count);
                self.unflushed = true;
                self.has_progressed();
                Ok(())
            }
            Happened::Flushed(Ok(())) => {
                self.unflushed = false;
                self.has_progressed();
                Ok(())
            }
            Happened::Read(_) | Happened::Wrote(_) | Happened::Flushed(_) => {
                tracing::debug!(from = %self.from, "MQTT: the connection was lost");
                Err(Over)
            }
            Happened::Room(room) => self.hand_over(room),
            Happened::Reported(report) => self.report(report),
            Happened::Dismissed(why) => self.dismiss(why),
            Happened::Lapsed(Lapse::Silent) => self.dismiss(Dismissal::Silent),
            Happened::Lapsed(Lapse::TooSlow) => self.dismiss(Dismissal::TooSlow),
            Happened::Lapsed(Lapse::NotLoggedIn) | Happened::Evicted => {
                tracing::debug!(from = %self.from, "MQTT: not logged in in time");
                Err(Over)
            }
        }
    }

    fn has_read(&mut self, count: usize) -> Result<(), Over> {
        self.unread = 0..count;
        if self.member.is_none() {
            self.received_before_login = self.received_before_login.saturating_add(count);
            if self.received_before_login > limits::BYTES_BEFORE_LOGIN {
                tracing::debug!(from = %self.from, "MQTT: too much was sent before a login");
                return Err(Over);
            }
        }
        Ok(())
    }

    fn has_progressed(&mut self) {
        let now = Instant::now();
        self.patience.progressed(self.is_pending(), now);
        if self.conversation.is_heard_by_reading() {
            self.patience.heard(now);
        }
    }

    fn hand_over(
        &mut self,
        room: Result<mpsc::Permit<'a, Request>, mpsc::error::SendError<()>>,
    ) -> Result<(), Over> {
        let (Ok(permit), Some(command)) = (room, self.waiting.take()) else {
            return self.dismiss(Dismissal::ShuttingDown);
        };
        let acknowledged = self.conversation.taken(&command);
        permit.send(Request {
            payload: command.payload,
            stale: command.stale,
            from: self.from,
        });
        self.note_what_is_pending();
        acknowledged.map_err(|_| Over)
    }

    fn report(&mut self, report: Result<Bytes, RecvError>) -> Result<(), Over> {
        match report {
            Ok(payload) => {
                let sent = self.conversation.report(&payload, &self.broker.topics);
                self.note_what_is_pending();
                sent.map_err(|_| Over)
            }
            Err(RecvError::Lagged(_)) => self.dismiss(Dismissal::TooSlow),
            Err(RecvError::Closed) => self.dismiss(Dismissal::ShuttingDown),
        }
    }

    fn dismiss(&mut self, why: Dismissal) -> Result<(), Over> {
        tracing::info!(from = %self.from, ?why, "MQTT: the connection is ended");
        self.conversation.dismiss(why);
        Err(Over)
    }

    fn is_pending(&self) -> bool {
        !self.conversation.outgoing().is_empty() || self.unflushed
    }

    fn may_read(&self) -> bool {
        self.waiting.is_none() && self.unread.is_empty() && self.conversation.has_room()
    }

    /// Starts the clocks of a peer that has something to take, or to acknowledge.
    fn note_what_is_pending(&mut self) {
        let now = Instant::now();
        self.patience.pending(self.is_pending(), now);
        self.patience
            .owes(self.conversation.owes_acknowledgements(), now);
    }

    /// Sends what is left, as long as the peer takes it at once.
    async fn farewell(mut self) {
        let rest = async {
            self.writer.write_all(self.conversation.outgoing()).await?;
            self.writer.shutdown().await
        };
        let _ = timeout(limits::FAREWELL, rest).await;
    }
}
