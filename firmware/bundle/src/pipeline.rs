//! Compresses pieces on several threads, and hands the frames on in the order in which the pieces came. What a frame
//! becomes depends on its piece alone, so that the number of threads cannot be seen in the result. Never holds more
//! than a few pieces a thread, however long the image is.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use zstd::{bulk::Compressor, zstd_safe::CParameter};

use crate::{Sha256, WriteError, wire};

/// A piece of an image that was compressed.
pub(crate) struct Packed {
    pub(crate) frame: wire::Frame,
    pub(crate) stored: Vec<u8>,
}

type Piece = Vec<u8>;
type Outcome = Result<Packed, WriteError>;
type Job = (Piece, SyncSender<Outcome>);

/// Compresses every piece on `threads` threads, and gives the results to `sink` in order.
pub(crate) fn compress(
    pieces: impl Iterator<Item = Result<Piece, WriteError>>,
    level: i32,
    threads: NonZeroUsize,
    mut sink: impl FnMut(Packed) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let (jobs, queue) = sync_channel::<Job>(1);
    let queue = Arc::new(Mutex::new(queue));
    thread::scope(|scope| {
        let jobs = jobs; // dropped with this closure, which is what ends the workers
        for _ in 0..threads.get() {
            let queue = Arc::clone(&queue);
            scope.spawn(move || while work(&queue, level).is_some() {});
        }
        drop(queue); // the workers' alone: with the last of them gone, `submit` fails instead of waiting
        let mut pending = VecDeque::new();
        for piece in pieces {
            pending.push_back(submit(&jobs, piece?)?);
            if pending.len() > 2 * threads.get()
                && let Some(first) = pending.pop_front()
            {
                sink(collect(&first)?)?;
            }
        }
        pending
            .drain(..)
            .try_for_each(|outcome| sink(collect(&outcome)?))
    })
}

/// Waits for a free place in the queue; gives where the outcome will come.
fn submit(jobs: &SyncSender<Job>, piece: Piece) -> Result<Receiver<Outcome>, WriteError> {
    let (reply, outcome) = sync_channel(1);
    jobs.send((piece, reply)).map_err(|_| WriteError::Worker)?;
    Ok(outcome)
}

fn collect(outcome: &Receiver<Outcome>) -> Outcome {
    outcome.recv().map_err(|_| WriteError::Worker)?
}

/// Does one job; `None` when there will be no more.
fn work(queue: &Mutex<Receiver<Job>>, level: i32) -> Option<()> {
    let (piece, reply) = queue.lock().ok()?.recv().ok()?;
    reply.send(pack(&piece, level)).ok()
}

fn pack(raw: &[u8], level: i32) -> Outcome {
    let stored = compress_frame(raw, level).map_err(WriteError::Compress)?;
    let listed = wire::Stored {
        length: stored.len() as u64,
        sha256: Sha256::of(&stored),
    };
    let frame = wire::Frame {
        length: raw.len() as u64,
        sha256: Sha256::of(raw),
        stored: listed,
        reference: None,
    };
    Ok(Packed { frame, stored })
}

/// One zstd frame, of a single segment. The context is new each time: a used one need not give the same bytes.
fn compress_frame(raw: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(level)?;
    compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
    compressor.set_parameter(CParameter::ChecksumFlag(false))?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    compressor.compress(raw)
}

/// Wide enough that every frame is its own window; zstd narrows it to the frame.
const WINDOW_LOG: u32 = 23;
