//! The printer's update lock: one command at a time changes anything. The kernel lets go of it when a process dies.
//!
//! Looking whether somebody holds it must never be in the way of a command that needs it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::mpsc::sync_channel,
    thread,
    time::Duration,
};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct UpdateLock {
    _file: File,
}

impl UpdateLock {
    /// Waits as long as `patience` for the lock at `path`, whose folder is made; `None` if it is still held then.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        let locked = match file.try_lock() {
            Err(TryLockError::WouldBlock) => wait(file, patience)?,
            done => Some(done.map(|()| file)?),
        };
        Ok(locked.map(|file| Self { _file: file }))
    }

    /// Whether a command holds the lock at `path`. Makes no file, and whoever wants the lock meanwhile waits.
    pub fn is_held(path: &Path) -> bool {
        let locked = File::open(path).map(|file| file.try_lock_shared());
        matches!(locked, Ok(Err(TryLockError::WouldBlock)))
    }
}

/// Waiting for a lock has no time limit of its own: a thread does it. If it comes too late, nobody takes it from the
/// channel, and it is let go of at once.
fn wait(file: File, patience: Duration) -> io::Result<Option<File>> {
    let (sender, locked) = sync_channel(1);
    thread::spawn(move || sender.send(file.lock().map(|()| file)));
    locked.recv_timeout(patience).ok().transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_lock_that_is_let_go_of_in_time_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/lock");
        assert!(!UpdateLock::is_held(&path));
        let held = UpdateLock::take(&path, Duration::ZERO).unwrap().unwrap();
        assert!(UpdateLock::is_held(&path));
        assert!(UpdateLock::take(&path, Duration::ZERO).unwrap().is_none());
        let waiting = thread::spawn(move || UpdateLock::take(&path, LONG).unwrap().is_some());
        drop(held);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn looking_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!UpdateLock::is_held(&path));
        assert!(!path.exists());
        drop(UpdateLock::take(&path, Duration::ZERO).unwrap());
        assert!(!UpdateLock::is_held(&path));
        assert!(UpdateLock::take(&path, Duration::ZERO).unwrap().is_some());
    }
}
