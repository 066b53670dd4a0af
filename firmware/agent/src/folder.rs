//! A repository in a folder or on a stick: the published layout, read from files, with no network at all.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::fd::AsFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
};

use crate::{Content, Fetch, FetchError, Request};

/// Reads `metadata/` and `targets/` under a folder.
#[derive(Debug, Clone)]
pub struct FolderFetch {
    folder: PathBuf,
}

impl FolderFetch {
    /// The repository in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// A regular file under the folder. A stick may hold links and devices, and change while it is looked at: each
    /// part of the path is opened in the one before it, no link is followed, and what was opened is looked at last.
    fn find(&self, path: &str) -> Result<Option<File>, FetchError> {
        let irregular = || FetchError::Protocol(format!("{path} is not a plain file"));
        let mut found = open_in(CWD, &self.folder, OFlags::DIRECTORY)
            .map_err(|error| FetchError::Medium(error.into()))?;
        for part in Path::new(path).components() {
            let Component::Normal(name) = part else {
                return Err(FetchError::Protocol(format!("{path} leaves the folder")));
            };
            found = match open_in(&found, name.as_ref(), OFlags::NOFOLLOW) {
                Ok(file) => file,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Err(irregular()),
                Err(error) => return Err(FetchError::Medium(error.into())),
            };
        }
        let metadata = found.metadata().map_err(FetchError::Medium)?;
        metadata
            .is_file()
            .then_some(found)
            .map(Some)
            .ok_or_else(irregular)
    }
}

/// Never waits, as opening a pipe would for somebody to write to it.
fn open_in(folder: impl AsFd, name: &Path, flags: OFlags) -> Result<File, Errno> {
    let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::empty()).map(File::from)
}

/// What fails to be read is the medium's fault, and not a network's.
struct Body(io::Take<File>);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(buffer)
            .map_err(|error| io::Error::new(error.kind(), FetchError::Medium(error)))
    }
}

impl Fetch for FolderFetch {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        let Some(mut file) = self.find(request.path)? else {
            return Ok(None);
        };
        let total = file.metadata().map_err(FetchError::Medium)?.len();
        let range = request.range.clone().unwrap_or(0..total);
        file.seek(SeekFrom::Start(range.start))
            .map_err(FetchError::Medium)?;
        let body = Box::new(Body(file.take(range.end.saturating_sub(range.start))));
        Ok(Some(Content {
            ranged: request.range.is_some(),
            total: Some(total),
            validator: None,
            body,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use rustix::fs::{FileType, mknodat};

    use super::*;

    fn open(fetch: &mut FolderFetch, path: &str) -> Result<Option<Content>, FetchError> {
        fetch.open(&Request {
            path,
            range: Some(1..3),
            validator: None,
        })
    }

    #[test]
    fn a_range_of_a_file_is_read_and_absent_is_not_failed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"12345").unwrap();
        let mut fetch = FolderFetch::new(folder.path());
        let mut bytes = Vec::new();
        open(&mut fetch, "file")
            .unwrap()
            .unwrap()
            .body
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes, b"23");
        assert!(open(&mut fetch, "other").unwrap().is_none());
        let mut gone = FolderFetch::new(folder.path().join("unplugged"));
        assert!(matches!(
            open(&mut gone, "file"),
            Err(FetchError::Medium(_))
        ));
    }

    #[test]
    fn nothing_outside_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (stick, outside) = (folder.path().join("stick"), folder.path().join("outside"));
        fs::create_dir_all(stick.join("metadata")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), b"12345").unwrap();
        symlink(&outside, stick.join("targets")).unwrap();
        symlink(outside.join("secret"), stick.join("link")).unwrap();
        let mut fetch = FolderFetch::new(&stick);
        let absolute = outside.join("secret");
        for path in [
            "../outside/secret",
            "targets/secret",
            "metadata/../link",
            "link",
            absolute.to_str().unwrap(),
            "metadata",
            ".",
            "",
        ] {
            assert!(
                matches!(open(&mut fetch, path), Err(FetchError::Protocol(_))),
                "{path}"
            );
        }
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(matches!(
            open(&mut FolderFetch::new(folder.path()), "pipe"),
            Err(FetchError::Protocol(_))
        ));
    }

    #[test]
    fn a_stick_that_cannot_be_read_is_not_a_network_that_failed() {
        // A plain file whose first page is nobody's memory: reading it fails, as a bad block of a stick does.
        let mut fetch = FolderFetch::new("/proc/self");
        let mut body = open(&mut fetch, "mem").unwrap().unwrap().body;
        let error = FetchError::broken_off(body.read(&mut [0]).unwrap_err());
        assert!(matches!(error, FetchError::Medium(_)), "{error:?}");
        assert!(!error.is_transient());
    }
}
