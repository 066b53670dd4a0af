//! The FTPS server: the card's files, for clients of this family, over implicit TLS only.
//!
//! TLS is spoken from the first byte of every connection, control and data. It never opens a connection of its own
//! (no PORT, no EPRT), never takes a data connection from another address than the control connection's, never moves
//! a byte of a file before `PROT P`, and never says that a file is stored before it lies whole and synced on the card.

mod chunk;
mod command;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod line;
mod listing;
mod passive;
mod receive;
mod records;
mod reply;
mod send;
mod session;
#[cfg(test)]
mod tests;
mod transfer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use firstlayer_card::{Card, CardError};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::service::Service;
use reply::Reply;

/// Serves `card` to everyone who connects to `listener` and logs in, until `stop` is cancelled.
///
/// `data` is the configuration of the data connections: that of [`Service::tls`], but without TLS 1.3 tickets, which
/// clients that close unread would turn into cut-off uploads. When this returns, its sockets are closed, none of its
/// tasks is left, and of an upload that was under way nothing is.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    data: Arc<ServerConfig>,
    card: Card,
    stop: CancellationToken,
) {
    let server = Arc::new(Server {
        service,
        data: TlsAcceptor::from(data),
        card,
        stop,
        tracker: TaskTracker::new(),
        transfers: Arc::new(Semaphore::new(limits::TRANSFERS)),
    });
    server.accept(listener).await;
    server.tracker.close();
    server.tracker.wait().await;
}

/// What all connections share.
struct Server {
    service: Service,
    data: TlsAcceptor,
    card: Card,
    stop: CancellationToken,
    tracker: TaskTracker,
    transfers: Arc<Semaphore>,
}

impl Server {
    async fn accept(self: &Arc<Self>, listener: TcpListener) {
        let mut sweep = interval(limits::SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = sweep.tick() => self.sweep(),
                accepted = listener.accept() => match accepted {
                    Ok((tcp, peer)) => self.admit(tcp, peer),
                    Err(error) => self.rest(&error).await,
                },
            }
        }
    }

    fn admit(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr) {
        match self.service.admit(peer.ip()) {
            Ok(guest) => {
                self.tracker
                    .spawn(session::attend(tcp, peer, guest, Arc::clone(self)));
            }
            Err(full) => debug!(%peer, "a connection was refused: {full}"),
        }
    }

    fn sweep(self: &Arc<Self>) {
        let card = self.card.clone();
        self.tracker.spawn_blocking(move || {
            if let Err(error) = card.discard_old_partials(SystemTime::now()) {
                warn!(%error, "what is left of old uploads could not be removed");
            }
        });
    }

    async fn rest(&self, error: &io::Error) {
        warn!(%error, "a connection could not be accepted");
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = sleep(limits::ACCEPT_AGAIN) => {}
        }
    }

    /// Does something with the card where it may block; an error is the reply.
    async fn on_card<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Card) -> Result<T, CardError> + Send + 'static,
    ) -> Result<T, Reply> {
        let card = self.card.clone();
        match self.tracker.spawn_blocking(move || work(&card)).await {
            Ok(result) => result.map_err(Reply::from),
            Err(_) => Err(Reply::new(451, "the printer is busy")),
        }
    }
}
