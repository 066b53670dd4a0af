//! A census in CSV, read on all cores and written.
//!
//! One thread reads, hashes and decompresses, and cuts the text at line breaks; the others parse and count what it hands
//! them. Departing from RFC 4180, a quoted field ends on its line: so a line break is always the end of a line, and
//! the text can be cut without having been parsed. A serial number that comes twice is counted twice.

mod blocks;
mod header;
mod input;
mod row;
mod write;

use std::{
    fs::File,
    io::Read,
    panic::resume_unwind,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use firstlayer_bundle::Sha256;

use self::{
    blocks::{Block, Blocks},
    header::Header,
    input::Input,
};
use crate::{CensusError, Fault, Groups, Limits, tally::Tally};

pub use write::{write_entry, write_header};

/// Bytes that a thread parses at a time: enough that handing them over costs nothing, few enough to stay in its cache.
const BLOCK: usize = 1 << 20;

/// The census in this file, plain or compressed with zstd, in groups; and the SHA-256 of the file's bytes.
/// `progress` is told how many bytes of the file were read.
pub fn read_csv(
    path: &Path,
    limits: &Limits,
    progress: impl FnMut(u64),
) -> Result<(Groups, Sha256), CensusError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_from(file, &name, limits, progress),
        Err(source) => Err(CensusError::Read { file: name, source }),
    }
}

/// The same from whatever gives bytes; `name` stands in errors.
pub fn read_from(
    input: impl Read,
    name: &str,
    limits: &Limits,
    progress: impl FnMut(u64),
) -> Result<(Groups, Sha256), CensusError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = Work {
        name,
        limits,
        block: BLOCK,
        threads: cores.min(limits.threads).max(1),
    };
    work.read(input, progress)
}

/// How a census is read.
struct Work<'a> {
    name: &'a str,
    limits: &'a Limits,
    block: usize,
    threads: usize,
}

/// What is wrong with a line.
struct Located {
    line: u64,
    fault: Fault,
}

impl Work<'_> {
    fn read(
        &self,
        input: impl Read,
        progress: impl FnMut(u64),
    ) -> Result<(Groups, Sha256), CensusError> {
        let mut input = Input::new(input, progress);
        let text = input.text().map_err(|source| self.unreadable(source))?;
        let mut blocks = Blocks::new(self.name, text, self.limits, self.block);
        let header = blocks.header()?;
        let tallies = self.count(&header, &mut blocks)?;
        drop(blocks);
        let groups = Tally::merge(tallies, self.limits).map_err(|fault| CensusError::Whole {
            file: self.name.to_owned(),
            fault,
        })?;
        Ok((groups, input.sha256()))
    }

    /// Counts on all threads.
    fn count(&self, header: &Header, blocks: &mut Blocks<'_>) -> Result<Vec<Tally>, CensusError> {
        let failed = AtomicBool::new(false);
        let (sender, receiver) = sync_channel(self.threads);
        let receiver = Arc::new(Mutex::new(receiver));
        thread::scope(|scope| {
            let worker = |_| {
                let (receiver, failed) = (Arc::clone(&receiver), &failed);
                scope.spawn(move || {
                    let counted = count_blocks(&receiver, header, self.limits);
                    failed.fetch_or(counted.is_err(), Ordering::Relaxed);
                    counted
                })
            };
            let workers: Vec<_> = (0..self.threads).map(worker).collect();
            // The last worker that ends takes the channel with it, and so ends the sending.
            drop(receiver);
            let handed_out = hand_out(blocks, sender, &failed);
            let counted = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect();
            self.all(counted).and_then(|all| handed_out.map(|()| all))
        })
    }

    /// What the threads counted. Blocks are handed out in order, so every line before a bad one is with a thread that
    /// finishes its block: the first bad line that was found is the first of the file.
    fn all(&self, counted: Vec<Result<Tally, Located>>) -> Result<Vec<Tally>, CensusError> {
        let bad = counted.iter().filter_map(|counted| counted.as_ref().err());
        match bad.min_by_key(|located| located.line) {
            Some(Located { line, fault }) => Err(CensusError::Line {
                file: self.name.to_owned(),
                line: *line,
                fault: fault.clone(),
            }),
            None => Ok(counted.into_iter().flatten().collect()),
        }
    }

    fn unreadable(&self, source: std::io::Error) -> CensusError {
        CensusError::Read {
            file: self.name.to_owned(),
            source,
        }
    }
}

/// Until there are no more, or one of those who count has failed.
fn hand_out(
    blocks: &mut Blocks<'_>,
    sender: SyncSender<Block>,
    failed: &AtomicBool,
) -> Result<(), CensusError> {
    while !failed.load(Ordering::Relaxed)
        && let Some(block) = blocks.next()?
        && sender.send(block).is_ok()
    {}
    Ok(())
}

/// One thread's work: until there are no more blocks, or one has a line that is wrong.
fn count_blocks(
    blocks: &Mutex<Receiver<Block>>,
    header: &Header,
    limits: &Limits,
) -> Result<Tally, Located> {
    let mut tally = Tally::new(limits);
    let next = || {
        let blocks = blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.recv().ok()
    };
    while let Some(block) = next() {
        for (line, text) in block.lines() {
            row::count(text, header, limits, &mut tally)
                .map_err(|fault| Located { line, fault })?;
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests;
