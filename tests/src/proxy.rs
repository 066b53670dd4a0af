//! A TCP proxy that counts what the server behind it sends, and stops at chosen counts.
//!
//! It sees bytes, not HTTP, so that it stands in front of any server, with or without TLS.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens at a chosen count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCount {
    /// The connection is dropped, and the client may come again.
    Cut,
    /// Nothing more comes through, while the connection stands: the moment to kill the client.
    Hold,
}

/// A running proxy; stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    reached: Receiver<u64>,
    counts: Arc<Mutex<Counts>>,
    stopping: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Counts {
    passed: u64,
    stops: VecDeque<u64>,
    action: AtCount,
    reached: Sender<u64>,
}

impl Proxy {
    /// A proxy before `server`, which acts each time another of `stops` bytes in all have come through. Ascending.
    pub fn before(
        server: SocketAddr,
        action: AtCount,
        stops: impl IntoIterator<Item = u64>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (sender, reached) = channel();
        let stops = stops.into_iter().collect();
        let counts = Arc::new(Mutex::new(Counts {
            passed: 0,
            stops,
            action,
            reached: sender,
        }));
        let proxy = Self {
            address: listener.local_addr().expect("a bound socket"),
            reached,
            counts: counts.clone(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        let stopping = proxy.stopping.clone();
        thread::spawn(move || accept(&listener, server, &counts, &stopping));
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the next stop is reached.
    #[track_caller]
    pub fn wait_for_stop(&self, limit: Duration) -> u64 {
        self.reached
            .recv_timeout(limit)
            .expect("the client fetches on until the next stop")
    }

    /// Stops not reached yet.
    pub fn stops_left(&self) -> usize {
        self.counts
            .lock()
            .expect("no panic in the proxy")
            .stops
            .len()
    }

    /// Bytes that came through in all.
    pub fn passed(&self) -> u64 {
        self.counts.lock().expect("no panic in the proxy").passed
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(
    listener: &TcpListener,
    server: SocketAddr,
    counts: &Arc<Mutex<Counts>>,
    stopping: &AtomicBool,
) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else {
            continue;
        };
        let counts = counts.clone();
        let (client_reads, server_writes) = (client.try_clone(), server.try_clone());
        thread::spawn(move || pass_back(server, client, &counts));
        if let (Ok(client), Ok(server)) = (client_reads, server_writes) {
            thread::spawn(move || pass_on(client, server));
        }
    }
}

fn pass_on(mut client: TcpStream, mut server: TcpStream) {
    let _ = std::io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
}

fn pass_back(mut server: TcpStream, mut client: TcpStream, counts: &Mutex<Counts>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        let (allowed, action) = counts.lock().expect("no panic in the proxy").pass(count);
        if client.write_all(&buffer[..allowed]).is_err() {
            break;
        }
        match action {
            None => {}
            Some(AtCount::Cut) => break,
            Some(AtCount::Hold) => wait_for_hang_up(&server),
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// When the client is gone, the other direction tells the server, which ends what it sends.
fn wait_for_hang_up(server: &TcpStream) {
    let mut sink = std::io::sink();
    let _ = std::io::copy(&mut (&*server), &mut sink);
}

impl Counts {
    /// How many of the next `count` bytes may pass, and what to do after them.
    fn pass(&mut self, count: usize) -> (usize, Option<AtCount>) {
        let end = self.passed + count as u64;
        let Some(stop) = self.stops.front().copied().filter(|stop| *stop <= end) else {
            self.passed = end;
            return (count, None);
        };
        self.stops.pop_front();
        let allowed = stop.saturating_sub(self.passed);
        self.passed = stop.max(self.passed);
        // Nobody may be waiting for it.
        let _ = self.reached.send(stop);
        (usize::try_from(allowed).unwrap_or(count), Some(self.action))
    }
}
