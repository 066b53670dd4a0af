//! A release that stops at any moment leaves clients the old state or the new one, and the next run finishes the job.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::process::Stdio;

use camino::Utf8Path;
use xtask::release::Outcome;
use xtask::repository::{Disk, RealDisk};

use crate::child::{be_the_child, child};
use crate::workshop::Workshop;

/// How a disk ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The process is gone: nothing works any more, not even clearing up.
    Crash,
    /// The disk is full: nothing more can be written, but files can be removed.
    Full,
}

/// A disk on which only so many steps succeed. The step that fails has done half of its work.
pub(crate) struct Failing {
    left: Cell<usize>,
    end: End,
}

impl Failing {
    pub(crate) fn after(steps: usize, end: End) -> Self {
        Self {
            left: Cell::new(steps),
            end,
        }
    }

    fn step(&self, half: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.left.get() {
            0 => {
                half()?;
                Err(io::ErrorKind::StorageFull.into())
            }
            left => {
                self.left.set(left - 1);
                Ok(())
            }
        }
    }
}

impl Disk for Failing {
    fn write(&self, path: &Utf8Path, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (half, _) = bytes.split_at(bytes.len() / 2);
        self.step(|| RealDisk.write(path, &mut &*half))?;
        RealDisk.write(path, &mut bytes.as_slice())
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.step(|| Ok(()))?;
        RealDisk.rename(from, to)
    }

    fn sync(&self, folder: &Utf8Path) -> io::Result<()> {
        self.step(|| Ok(()))?;
        RealDisk.sync(folder)
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        match (self.end, self.left.get()) {
            (End::Crash, 0) => Err(io::ErrorKind::Other.into()),
            _ => RealDisk.remove(path),
        }
    }
}

/// Stops a second release after each of its steps in turn, and lets the next run finish.
fn stopped_at_every_step(end: End) {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let mut steps = 0;
    loop {
        workshop.set_firmware(1000 + steps as u64);
        let before = workshop.status();
        let disk = Failing {
            left: Cell::new(steps),
            end,
        };
        let stopped = workshop.release_on(&disk);
        if stopped.is_ok() {
            break;
        }
        let after = workshop.status();
        let visible = after.channels[0].releases.len() > before.channels[0].releases.len();
        let finished = workshop.release().unwrap();
        assert_eq!(
            finished.outcome,
            if visible {
                Outcome::Unchanged
            } else {
                Outcome::Released
            },
            "after {steps} steps"
        );
        workshop.assert_in_order();
        steps += 1;
    }
    // 2 bundles with their evidence and the channel manifest, 2 versioned files, the timestamp: 2 steps each; 3 times a folder is synced.
    assert_eq!(steps, 19);
}

#[test]
fn a_crash_at_any_step_is_finished_by_the_next_run() {
    stopped_at_every_step(End::Crash);
}

#[test]
fn a_full_disk_at_any_step_is_finished_by_the_next_run() {
    stopped_at_every_step(End::Full);
}

#[test]
fn a_crash_of_the_very_first_release_is_finished_by_the_next_run() {
    let mut steps = 0;
    loop {
        let workshop = Workshop::new();
        let stopped = workshop.release_on(&Failing {
            left: Cell::new(steps),
            end: End::Crash,
        });
        let published = workshop
            .repository()
            .join("metadata/timestamp.json")
            .exists();
        let finished = workshop.release().unwrap();
        assert_eq!(
            finished.outcome,
            if published {
                Outcome::Unchanged
            } else {
                Outcome::Released
            },
            "after {steps} steps"
        );
        workshop.assert_in_order();
        if stopped.is_ok() {
            break;
        }
        // Every third step: the later ones are the same as in an update.
        steps += 3;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn killed_at_random_moments() {
    if be_the_child() {
        return;
    }
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let mut killed = 0;
    for round in 0..10_u32 {
        workshop.set_firmware(u64::from(round) + 50);
        let mut child = child(&workshop, "crash::killed_at_random_moments", "")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while line.trim() != "begin" {
            line.clear();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "the process ended before it began"
            );
        }
        // The moment itself is what is random here: spread over what a release takes.
        std::thread::sleep(std::time::Duration::from_millis(
            u64::from(round * 17 % 10) * 40,
        ));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        // Old or new, a client can use it; and then the next run makes it new.
        workshop.status();
        workshop.release().unwrap();
        workshop.assert_in_order();
    }
    assert!(killed > 0, "every release was through before it was killed");
}

#[test]
fn files_that_may_not_grow_further_stop_it_and_the_next_run_finishes() {
    if be_the_child() {
        return;
    }
    let workshop = Workshop::new();
    workshop.release().unwrap();
    // In units of 512 bytes, or 1024 in some shells: no metadata fits, no image does, no bundle does.
    for (round, limit) in [2_u32, 100, 500].into_iter().enumerate() {
        workshop.set_firmware(round as u64 + 80);
        let before = workshop.status();
        let prefix = format!("ulimit -f {limit}; trap '' XFSZ;");
        let status = child(
            &workshop,
            "crash::files_that_may_not_grow_further_stop_it_and_the_next_run_finishes",
            &prefix,
        )
        .stderr(Stdio::null())
        .status()
        .unwrap();
        assert!(!status.success(), "a limit of {limit} did not stop it");
        assert_eq!(
            workshop.status().channels[0].releases.len(),
            before.channels[0].releases.len()
        );
        let finished = workshop.release().unwrap();
        assert_eq!(
            finished.outcome,
            Outcome::Released,
            "after a limit of {limit}: {}\n{}",
            finished.plan,
            before
        );
        workshop.assert_in_order();
    }
}
