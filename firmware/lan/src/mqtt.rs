//! The MQTT broker of one printer: two topics, 3.1.1 and 5, over TLS from the first byte.
//!
//! Clients publish to `device/<serial>/request` and hear `device/<serial>/report`. Nothing is retained, no will is
//! published, and no session outlives its connection: so no command is older than the connection that brought it,
//! but for those that say so themselves ([`Request::stale`]). It never reads a payload.

mod clients;
mod connection;
mod conversation;
#[doc(hidden)]
pub mod fuzzing;
mod patience;
#[cfg(test)]
mod tests;
mod topics;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{limits, service::Service};
use clients::Clients;
use connection::Connection;
use topics::Topics;

/// How the broker is joined to the printer.
#[derive(Clone, Debug)]
pub struct Messages {
    /// Takes what clients publish. While it is full, nothing is read from a client that has more.
    pub requests: mpsc::Sender<Request>,
    /// What every subscriber hears. One that falls behind by the channel's capacity is cut off.
    pub reports: broadcast::Sender<Bytes>,
}

/// One message that a client published to the request topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The message, unread.
    pub payload: Bytes,
    /// Whether DUP or RETAIN was set: it may be older than the connection.
    pub stale: bool,
    /// Who sent it.
    pub from: SocketAddr,
}

/// What every connection shares.
struct Broker {
    service: Service,
    topics: Topics,
    messages: Messages,
    clients: Clients,
    stop: CancellationToken,
}

/// Serves clients until `stop`, which ends every connection at once; no task is left when it returns.
///
/// The socket is closed before anything else ends. Dropping the future ends the connections, too.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    serial: &str,
    messages: Messages,
    stop: CancellationToken,
) {
    let stop = stop.child_token();
    let _ends_with_this_future = stop.clone().drop_guard();
    let broker = Arc::new(Broker {
        service,
        topics: Topics::new(serial),
        messages,
        clients: Clients::default(),
        stop,
    });
    let connections = TaskTracker::new();
    while let Some(accepted) = broker.stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, from)) => {
                broker.admit(stream, from, &connections);
                // A flood must not keep those that it evicts from closing, nor others from logging in.
                tokio::task::yield_now().await;
            }
            Err(error) if is_the_peers(&error) => {
                tracing::debug!(%error, "MQTT: a connection was gone before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, "MQTT: no connection can be accepted");
                let pause = tokio::time::sleep(limits::ACCEPT_PAUSE);
                broker.stop.run_until_cancelled(pause).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

impl Broker {
    fn admit(self: &Arc<Self>, stream: TcpStream, from: SocketAddr, connections: &TaskTracker) {
        match self.service.admit(from.ip()) {
            Ok(guest) => {
                let broker = Arc::clone(self);
                connections
                    .spawn(async move { Connection::serve(stream, from, guest, &broker).await });
            }
            // Dropped unanswered: an answer in clear text would be the only one that this port ever gives.
            Err(full) => tracing::debug!(%from, "MQTT: {full}"),
        }
    }
}

/// Whether one peer's leaving caused it: nobody else has to wait for that.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
