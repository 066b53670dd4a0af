//! The audit log: which printer was refused what by which rule, and what the gate handed out. JSON, one line each.
//!
//! No secret is ever in it: no URL, no password, no signature, no token.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use firstlayer_policy::Verdict;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use crate::limits::WAITING_RECORDS;
use crate::metrics::Metrics;

/// One line.
#[derive(Debug, Serialize)]
pub struct Record {
    /// When.
    pub time: Timestamp,
    /// Which printer.
    pub serial: String,
    /// What was asked: `cloud-print`, `upload cube.3mf`, `mqtt credentials`, `device key`.
    pub asked: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Whether it was granted.
    pub granted: bool,
    /// The rule by which it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Where records go.
#[derive(Debug, Clone)]
pub struct Audit {
    records: Sender<Record>,
    metrics: Arc<Metrics>,
}

/// The thread that writes. It ends when every [`Audit`] is gone.
#[derive(Debug)]
pub struct Writer(JoinHandle<()>);

impl Audit {
    /// A log that is appended to this file.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread begun.
    pub fn open(path: &Path, metrics: Arc<Metrics>) -> io::Result<(Self, Writer)> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (records, waiting) = channel(WAITING_RECORDS);
        let counted = Arc::clone(&metrics);
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write(file, waiting, &counted))?;
        Ok((Self { records, metrics }, Writer(thread)))
    }

    /// Takes a record. Waits while the disk is behind, so that no refusal goes unrecorded because there are many.
    pub async fn record(&self, record: Record) {
        let record = match self.records.try_send(record) {
            Ok(()) => return,
            Err(TrySendError::Full(record) | TrySendError::Closed(record)) => record,
        };
        if self.records.send(record).await.is_err() {
            self.metrics.audit_lost(1);
        }
    }
}

impl Writer {
    /// Waits until everything is written.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the audit log's writer panicked");
        }
    }
}

fn write(mut file: impl Write, mut waiting: Receiver<Record>, metrics: &Metrics) {
    let mut lines = Vec::new();
    let mut torn = false;
    while let Some(record) = waiting.blocking_recv() {
        lines.clear();
        // Half a line ends here, and takes no whole one with it.
        lines.extend(torn.then_some(b'\n'));
        let mut count = 0;
        let mut next = Some(record);
        while let Some(record) = next {
            // A record holds texts and numbers, which always become JSON.
            if serde_json::to_writer(&mut lines, &record).is_ok() {
                lines.push(b'\n');
                count += 1;
            }
            next = (lines.len() < 64 << 10)
                .then(|| waiting.try_recv().ok())
                .flatten();
        }
        let written = file.write_all(&lines).and_then(|()| file.flush());
        torn = written.is_err();
        if let Err(error) = written {
            metrics.audit_lost(count);
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full in the middle of its first write.
    #[derive(Default)]
    struct Full {
        bytes: Vec<u8>,
        calls: usize,
    }

    impl Write for &mut Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            match self.calls {
                1 => {
                    self.bytes.extend(bytes.iter().take(10));
                    Ok(10)
                }
                2 => Err(io::ErrorKind::StorageFull.into()),
                _ => {
                    self.bytes.extend(bytes);
                    Ok(bytes.len())
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn record(serial: usize) -> Record {
        Record {
            time: Timestamp::UNIX_EPOCH,
            serial: format!("FL-{serial}"),
            asked: "x".repeat(40 << 10),
            verdict: Verdict::Ok,
            granted: true,
            rule: None,
        }
    }

    #[test]
    fn a_full_disk_loses_what_it_did_not_take_and_says_how_much() {
        let metrics = Metrics::new().unwrap();
        let (records, waiting) = channel(8);
        for serial in 0..3 {
            records.try_send(record(serial)).unwrap();
        }
        drop(records);
        let mut disk = Full::default();
        write(&mut disk, waiting, &metrics);
        // Two records fill a write.
        let text = metrics.text().unwrap();
        assert!(text.contains("gate_audit_lost_total 2"), "{text}");
        let log = String::from_utf8(disk.bytes).unwrap();
        let whole: Vec<&str> = log.lines().filter(|line| line.ends_with('}')).collect();
        assert_eq!(whole.len(), 1);
        let last: serde_json::Value = serde_json::from_str(whole[0]).unwrap();
        assert_eq!(last["serial"], "FL-2");
    }
}
