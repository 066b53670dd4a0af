//! The port of the next data connection: open from PASV or EPSV until the client has come, or a deadline.
//!
//! Only the control connection's own address is let in. A stranger who comes first is sent away, and does not take the
//! client's place.

use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

use super::limits::{BACKLOG, DATA_CONNECTION};

/// At most one port a session.
#[derive(Debug, Default)]
pub(crate) enum Passive {
    /// None.
    #[default]
    Closed,
    /// Waits for the client.
    Listening {
        /// The open port.
        listener: TcpListener,
        /// Who may come.
        peer: IpAddr,
        /// When it closes.
        until: Instant,
    },
    /// The client has come, and the port is closed again.
    Connected {
        /// Its connection.
        tcp: TcpStream,
        /// When it is given up.
        until: Instant,
    },
}

impl Passive {
    /// Opens a port of the system's choice on the control connection's own address.
    pub(crate) fn open(mut local: SocketAddr, peer: IpAddr) -> io::Result<(Self, u16)> {
        // Sets the port alone: the scope of a link-local address stays.
        local.set_port(0);
        let local = if local.ip().to_canonical().is_ipv4() {
            SocketAddr::new(local.ip().to_canonical(), 0)
        } else {
            local
        };
        let socket = if local.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.bind(local)?;
        let listener = socket.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        Ok((
            Self::Listening {
                listener,
                peer,
                until: Instant::now() + DATA_CONNECTION,
            },
            port,
        ))
    }

    /// Takes the client in, or closes what is overdue; never ready if there is nothing to wait for. Dropping the
    /// future loses nothing.
    pub(crate) async fn progress(&mut self) {
        *self = match self {
            Self::Closed => pending().await,
            Self::Listening {
                listener,
                peer,
                until,
            } => match timeout_at(*until, welcome(listener, *peer)).await {
                Ok(Ok(tcp)) => Self::Connected { tcp, until: *until },
                _ => Self::Closed,
            },
            Self::Connected { until, .. } => {
                sleep_until(*until).await;
                Self::Closed
            }
        };
    }

    /// What there is, for one transfer.
    pub(crate) fn take(&mut self) -> Option<Self> {
        match std::mem::take(self) {
            Self::Closed => None,
            open => Some(open),
        }
    }

    /// The client's connection. The port closes with it.
    pub(crate) async fn connection(self) -> io::Result<TcpStream> {
        match self {
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
            Self::Listening { listener, peer, .. } => welcome(&listener, peer).await,
            Self::Connected { tcp, .. } => Ok(tcp),
        }
    }
}

async fn welcome(listener: &TcpListener, peer: IpAddr) -> io::Result<TcpStream> {
    loop {
        let (tcp, from) = listener.accept().await?;
        if from.ip().to_canonical() == peer {
            return Ok(tcp);
        }
        warn!(%from, client = %peer, "a data connection from another address was refused");
    }
}
