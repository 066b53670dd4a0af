//! Writes into the files of a folder, as events.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// The writes since it was made.
#[derive(Debug)]
pub struct Writes {
    events: OwnedFd,
}

impl Writes {
    /// Writes into files of this folder, from now on.
    pub fn into(folder: &Path) -> Self {
        let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("inotify");
        add_watch(&events, folder, WatchFlags::MODIFY).expect("watching a folder");
        Self { events }
    }

    /// Waits until the file of this name is written to.
    #[track_caller]
    pub fn wait_for(&self, name: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.events, &mut buffer);
        loop {
            match reader.next() {
                Ok(event)
                    if event
                        .file_name()
                        .is_some_and(|file| file.to_bytes() == name.as_bytes()) =>
                {
                    return;
                }
                Ok(_) => {}
                Err(_) => self.wait_for_any(deadline),
            }
        }
    }

    fn wait_for_any(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a short time");
        let ready =
            poll(&mut [PollFd::new(&self.events, PollFlags::IN)], Some(&left)).expect("poll");
        assert!(ready > 0, "nothing was written within the limit");
    }
}
