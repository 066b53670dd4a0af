//! Uploads: bytes off a data connection onto the card.
//!
//! It never calls an upload whole that might not be: a reset, silence, a torn record or the end of the control
//! connection leave a piece that can be resumed, and the end of LAN mode leaves nothing.

use std::io;

use firstlayer_card::{Card, CardError, CardPath, Start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Server;
use super::chunk::{Chunk, empty_chunks};
use super::limits::{CHUNKS, KILLED, LINGER, STALLED};
use super::reply::Reply;
use super::transfer::DataStream;

/// What goes to the thread that writes.
enum Piece {
    Bytes(Chunk),
    /// There is no more, and nothing is missing.
    Whole,
}

/// Why no more bytes come.
#[derive(Debug)]
enum End {
    Whole,
    Reset(io::Error),
    Stalled,
    Aborted,
    /// The thread that writes has given up, and says why.
    Refused,
}

/// What became of an upload.
enum Stored {
    Whole(u64),
    Piece(u64),
}

/// Receives one file. The reply is true: 226 means synced and in its place.
pub(crate) async fn receive(
    server: &Server,
    mut stream: DataStream,
    path: CardPath,
    start: Start,
    abort: &CancellationToken,
) -> Reply {
    let (pieces, to_write) = mpsc::channel(CHUNKS + 1);
    let (emptied, mut empty) = empty_chunks();
    let (card, stop, place) = (server.card.clone(), server.stop.clone(), path.clone());
    let writer = server
        .tracker
        .spawn_blocking(move || store(&card, &place, start, to_write, &emptied, &stop));
    let end = pump(&mut stream, &pieces, &mut empty, abort).await;
    if matches!(end, End::Whole) {
        // If the thread has given up meanwhile, it says so below.
        let _ = pieces.send(Piece::Whole).await;
        // Some clients wait for the answer to their close_notify, and others are gone already.
        let _ = timeout(LINGER, stream.shutdown()).await;
    }
    drop(pieces);
    match writer.await {
        Ok(Ok(stored)) => report(&path, &stored, &end),
        Ok(Err(error)) => {
            info!(%path, %error, "an upload was refused");
            error.into()
        }
        Err(_) => Reply::new(451, "the printer is busy"),
    }
}

fn report(path: &CardPath, stored: &Stored, end: &End) -> Reply {
    let size = match stored {
        Stored::Whole(size) => {
            info!(%path, size, "a file was stored");
            return Reply::new(226, format!("stored {size} bytes"));
        }
        Stored::Piece(size) => *size,
    };
    info!(%path, size, "an upload was cut off");
    let why = match end {
        End::Reset(error) => {
            debug!(%error, "the data connection failed");
            "the connection was cut"
        }
        End::Stalled => "no bytes came",
        _ => "the upload was aborted",
    };
    Reply::new(
        426,
        format!("{why}: nothing is stored, {size} bytes wait to be resumed"),
    )
}

/// Moves bytes until there are no more. What has come is handed on, however it ended.
async fn pump(
    stream: &mut DataStream,
    pieces: &mpsc::Sender<Piece>,
    empty: &mut mpsc::Receiver<Chunk>,
    abort: &CancellationToken,
) -> End {
    loop {
        let Some(mut chunk) = empty.recv().await else {
            return End::Refused;
        };
        let end = fill(stream, &mut chunk, abort).await;
        if !chunk.filled().is_empty() && pieces.send(Piece::Bytes(chunk)).await.is_err() {
            return End::Refused;
        }
        if let Some(end) = end {
            return end;
        }
    }
}

async fn fill(
    stream: &mut DataStream,
    chunk: &mut Chunk,
    abort: &CancellationToken,
) -> Option<End> {
    while !chunk.free().is_empty() {
        let read = tokio::select! {
            biased;
            () = abort.cancelled() => return Some(End::Aborted),
            read = timeout(STALLED, stream.read(chunk.free())) => read,
        };
        match read {
            Ok(Ok(0)) => return Some(End::Whole),
            Ok(Ok(count)) => chunk.advance(count),
            Ok(Err(error)) if is_bare_end(&error, stream) => return Some(confirm(abort).await),
            Ok(Err(error)) => return Some(End::Reset(error)),
            Err(_) => return Some(End::Stalled),
        }
    }
    None
}

/// A departure from TLS, which wants close_notify: many clients close without it. A print archive has its own end, and
/// is checked before a job starts.
fn is_bare_end(error: &io::Error, stream: &DataStream) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof && stream.get_ref().0.are_whole()
}

/// A bare end counts if the control connection outlives it.
async fn confirm(abort: &CancellationToken) -> End {
    match timeout(KILLED, abort.cancelled()).await {
        Ok(()) => End::Aborted,
        Err(_) => End::Whole,
    }
}

/// The thread that writes. It also ends when its sender is dropped with the session.
fn store(
    card: &Card,
    path: &CardPath,
    start: Start,
    mut pieces: mpsc::Receiver<Piece>,
    emptied: &mpsc::Sender<Chunk>,
    stop: &CancellationToken,
) -> Result<Stored, CardError> {
    let mut upload = card.upload(path, start)?;
    while let Some(piece) = pieces.blocking_recv() {
        let Piece::Bytes(mut chunk) = piece else {
            let size = upload.written();
            return upload.finish().map(|()| Stored::Whole(size));
        };
        if let Err(error) = upload.write(chunk.filled()) {
            // More of it would be refused again, and it would keep the card full.
            upload.discard();
            return Err(error);
        }
        chunk.clear();
        // The other end may be gone, or has the buffers that it needs.
        let _ = emptied.try_send(chunk);
    }
    let size = upload.written();
    if stop.is_cancelled() || size == 0 {
        upload.discard();
    }
    Ok(Stored::Piece(size))
}
