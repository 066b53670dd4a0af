//! What a connection waits for, one at a time.
//!
//! Each is safe to drop before it resolves: nothing read, written or received is lost by it.

use std::future::pending;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::server::TlsStream;

use super::Member;
use crate::mqtt::Request;
use crate::mqtt::conversation::Dismissal;
use crate::mqtt::patience::Lapse;

/// What happened first.
pub(super) enum Happened<'a> {
    Read(io::Result<usize>),
    Wrote(io::Result<usize>),
    Flushed(io::Result<()>),
    /// The printer has room for a command.
    Room(Result<mpsc::Permit<'a, Request>, mpsc::error::SendError<()>>),
    Reported(Result<Bytes, RecvError>),
    Dismissed(Dismissal),
    Lapsed(Lapse),
    /// It has to make room for a newcomer.
    Evicted,
}

/// Resolves when a client that has logged in has to go.
pub(super) async fn dismissed(member: &mut Option<Member>) -> Dismissal {
    let Some(member) = member else {
        return pending().await;
    };
    tokio::select! {
        biased;
        () = member.session.revoked() => Dismissal::CodeChanged,
        () = member.presence.taken_over() => Dismissal::TakenOver,
    }
}

/// Resolves when patience ends.
pub(super) async fn lapsed(ends: Option<(Instant, Lapse)>) -> Lapse {
    let Some((at, lapse)) = ends else {
        return pending().await;
    };
    sleep_until(at).await;
    lapse
}

pub(super) async fn next(
    reports: &mut Option<broadcast::Receiver<Bytes>>,
) -> Result<Bytes, RecvError> {
    match reports {
        Some(reports) => reports.recv().await,
        None => pending().await,
    }
}

pub(super) async fn write<'a>(
    writer: &mut WriteHalf<TlsStream<TcpStream>>,
    outgoing: &[u8],
) -> Happened<'a> {
    if outgoing.is_empty() {
        Happened::Flushed(writer.flush().await)
    } else {
        Happened::Wrote(writer.write(outgoing).await)
    }
}
