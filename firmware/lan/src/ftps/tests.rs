//! The server over real sockets and real TLS, with a small client of its own.

mod client;
mod commands;
mod hostile;
mod transfers;

use std::fs;
use std::net::SocketAddr;

use firstlayer_card::{Card, CardLimits, CardPath, Start};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, AccessCode};
use crate::admission::{Admission, AdmissionLimits};
use crate::{Identity, Service, Tls};
use client::Client;

const SERIAL: &str = "01S00A000000001";
const CODE: &str = "k2m4n6p8";

/// A printer with LAN mode on.
struct Printer {
    address: SocketAddr,
    folder: TempDir,
    card: Card,
    access: Access,
    stop: CancellationToken,
    served: JoinHandle<()>,
    authority: String,
}

impl Printer {
    async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    async fn at(address: &str) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        Self::with(listener, |_| {})
    }

    async fn with_card(change: impl FnOnce(&mut CardLimits)) -> Self {
        Self::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), change)
    }

    fn with(listener: TcpListener, change: impl FnOnce(&mut CardLimits)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut limits = CardLimits::default();
        limits.keep_free = 0;
        change(&mut limits);
        let card = Card::open(folder.path(), limits).unwrap();
        let identity = Identity::create(SERIAL, &[], jiff::Timestamp::UNIX_EPOCH).unwrap();
        let tls = Tls::new(&identity).unwrap();
        let access = Access::new(&AccessCode::parse(CODE).unwrap());
        let service = Service {
            tls: tls.control,
            access: access.clone(),
            admission: Admission::new(AdmissionLimits::default()),
        };
        let stop = CancellationToken::new();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(super::serve(
            listener,
            service,
            tls.data,
            card.clone(),
            stop.clone(),
        ));
        let authority = identity.authority_pem().to_owned();
        Self {
            address,
            folder,
            card,
            access,
            stop,
            served,
            authority,
        }
    }

    /// A client that has logged in and said `PROT P`.
    async fn client(&self) -> Client {
        let mut client = Client::connect(self, Client::config(self, &[])).await;
        client.log_in().await;
        client
    }

    /// Turns LAN mode off, and waits for it.
    async fn off(&mut self) {
        self.stop.cancel();
        (&mut self.served).await.unwrap();
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(path)).ok()
    }

    /// Everything that really lies in a folder.
    fn on_disk(&self, folder: &str) -> Vec<String> {
        let names = fs::read_dir(self.folder.path().join(folder)).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Waits until some of an upload has reached the card.
    async fn until_some_of(&self, path: &str) {
        while self.card.partial_size(&on_card(path)).unwrap_or(0) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until no upload to a path is under way.
    async fn until_left_alone(&self, path: &str) {
        while self
            .card
            .check_upload(&on_card(path), Start::Fresh)
            .is_err()
        {
            tokio::task::yield_now().await;
        }
    }
}

fn on_card(path: &str) -> CardPath {
    CardPath::parse(path, &CardPath::root()).unwrap()
}

/// Bytes that no two places of a file share.
fn model(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}
