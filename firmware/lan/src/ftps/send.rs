//! Downloads and listings: bytes from the card onto a data connection.

use std::fs::File;
use std::io::{self, Read as _};

use firstlayer_card::Entry;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Server;
use super::chunk::{Chunk, empty_chunks};
use super::limits::{CHUNK_BYTES, CHUNKS, LINGER, STALLED};
use super::listing::Form;
use super::reply::Reply;
use super::transfer::{DataStream, Outcome};

/// Sends what `file` holds from where it stands.
pub(crate) async fn send_file(
    server: &Server,
    mut stream: DataStream,
    file: File,
    abort: &CancellationToken,
) -> Outcome {
    let (filled, mut to_send) = mpsc::channel(CHUNKS);
    let (emptied, empty) = empty_chunks();
    let reader = server
        .tracker
        .spawn_blocking(move || load(file, empty, &filled));
    while let Some(mut chunk) = to_send.recv().await {
        if let Err(outcome) = push(&mut stream, chunk.filled(), abort).await {
            return outcome;
        }
        chunk.clear();
        // The thread that reads has ended: there is no more.
        let _ = emptied.try_send(chunk);
    }
    match reader.await {
        Ok(Ok(())) => finish(stream).await,
        _ => Outcome::reply(Reply::new(451, "the card failed")),
    }
}

/// Sends a listing.
pub(crate) async fn send_listing(
    mut stream: DataStream,
    entries: Vec<Entry>,
    form: Form,
    abort: &CancellationToken,
) -> Outcome {
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&form.line(entry));
        if text.len() >= CHUNK_BYTES {
            if let Err(outcome) = push(&mut stream, text.as_bytes(), abort).await {
                return outcome;
            }
            text.clear();
        }
    }
    match push(&mut stream, text.as_bytes(), abort).await {
        Ok(()) => finish(stream).await,
        Err(outcome) => outcome,
    }
}

async fn push(
    stream: &mut DataStream,
    bytes: &[u8],
    abort: &CancellationToken,
) -> Result<(), Outcome> {
    let text = tokio::select! {
        biased;
        () = abort.cancelled() => "the transfer was aborted",
        sent = timeout(STALLED, stream.write_all(bytes)) => match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => "the connection was cut",
            Err(_) => "no bytes were taken",
        },
    };
    Err(Outcome::reply(Reply::new(426, text)))
}

/// Says the end, and keeps the socket: closed at once, it would answer the client's own close_notify with a reset, and
/// some systems then forget what they have not read.
async fn finish(mut stream: DataStream) -> Outcome {
    match timeout(STALLED, stream.shutdown()).await {
        Ok(Ok(())) => Outcome {
            reply: Reply::new(226, "sent"),
            linger: Some(stream.into_inner().0.into_inner()),
        },
        _ => Outcome::reply(Reply::new(426, "the connection was cut")),
    }
}

/// Reads what a client still sends behind the end of a transfer, for a moment.
pub(crate) async fn drain(mut tcp: tokio::net::TcpStream) {
    use tokio::io::AsyncReadExt as _;
    let mut buffer = [0; 512];
    let read = async { while tcp.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    let _ = timeout(LINGER, read).await;
}

/// The thread that reads.
fn load(
    mut file: File,
    mut empty: mpsc::Receiver<Chunk>,
    filled: &mpsc::Sender<Chunk>,
) -> io::Result<()> {
    while let Some(mut chunk) = empty.blocking_recv() {
        while !chunk.free().is_empty() {
            match file.read(chunk.free()) {
                Ok(0) => break,
                Ok(count) => chunk.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if chunk.filled().is_empty() || filled.blocking_send(chunk).is_err() {
            break;
        }
    }
    Ok(())
}
