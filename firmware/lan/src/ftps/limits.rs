//! The limits of the FTPS server, each with the attack or the accident that it stops. Who may connect, and how long
//! a login may take, is the admission's business.

use std::time::Duration;

/// Bytes of one command line: the longest path with its verb. Stops a line without end that fills the memory, before
/// login too.
pub(crate) const LINE_BYTES: usize = 1280;

/// Lines that wait for the end of a transfer. Stops a client from filling the memory with them; fewer would hide the
/// end of a control connection behind them.
pub(crate) const QUEUED: usize = 16;

/// Wrong access codes on one connection. Stops one connection from being a guessing machine.
pub(crate) const LOGINS: usize = 3;

/// Time without a command, outside a transfer. Stops peers that vanished from keeping their places.
pub(crate) const IDLE: Duration = Duration::from_secs(300);

/// Time for a reply to be taken. Stops a client that reads nothing and sends commands.
pub(crate) const REPLY: Duration = Duration::from_secs(20);

/// Time for a last word when LAN mode goes off: the port has to be closed within a second.
pub(crate) const GOODBYE: Duration = Duration::from_millis(200);

/// Time between PASV or EPSV and the end of the TLS handshake on the data connection. Stops ports that stay open.
pub(crate) const DATA_CONNECTION: Duration = Duration::from_secs(30);

/// Data connections that wait for the server to take them. Strangers in the queue are turned away one by one.
pub(crate) const BACKLOG: u32 = 16;

/// Time without a byte on a data connection. Stops a transfer that hangs from keeping its place and its file.
pub(crate) const STALLED: Duration = Duration::from_secs(30);

/// Time between a bare end of a data connection and its acceptance. The system of a client that was killed closes the
/// control connection in the same moment: stops the start of a file from passing for the whole of it.
pub(crate) const KILLED: Duration = Duration::from_millis(200);

/// Time that a client has to answer the end of a transfer, before its socket is given up.
pub(crate) const LINGER: Duration = Duration::from_secs(3);

/// Transfers at once, on all connections. Stops buffers from filling the memory: each has [`CHUNKS`] of them, and TLS's.
pub(crate) const TRANSFERS: usize = 8;

/// Bytes of a transfer's buffer: two records of TLS.
pub(crate) const CHUNK_BYTES: usize = 32 * 1024;

/// Buffers of a transfer: one is filled while the other is emptied.
pub(crate) const CHUNKS: usize = 2;

/// How often pieces of uploads that are too old are looked for.
pub(crate) const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Rest after a failed accept. Stops a busy loop when there are no file descriptors left.
pub(crate) const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
