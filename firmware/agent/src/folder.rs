//! A repository in a folder or on a stick: the published layout, read from files, with no network at all.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
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

    /// A regular file under the folder; a stick may hold links and devices, and none is followed or opened.
    fn find(&self, path: &str) -> Result<Option<PathBuf>, FetchError> {
        let plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(FetchError::Protocol(format!("{path} leaves the folder")));
        }
        let file = self.folder.join(path);
        match fs::symlink_metadata(&file) {
            Ok(metadata) if metadata.is_file() => Ok(Some(file)),
            Ok(_) => Err(FetchError::Protocol(format!("{path} is not a plain file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.folder.is_dir() => {
                Ok(None)
            }
            Err(error) => Err(FetchError::Medium(error)),
        }
    }
}

impl Fetch for FolderFetch {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        let Some(path) = self.find(request.path)? else {
            return Ok(None);
        };
        let mut file = File::open(path).map_err(FetchError::Medium)?;
        let total = file.metadata().map_err(FetchError::Medium)?.len();
        let range = request.range.clone().unwrap_or(0..total);
        file.seek(SeekFrom::Start(range.start))
            .map_err(FetchError::Medium)?;
        let body = Box::new(file.take(range.end.saturating_sub(range.start)));
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
        let stick = folder.path().join("stick");
        fs::create_dir(&stick).unwrap();
        fs::write(folder.path().join("secret"), b"12345").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), stick.join("link")).unwrap();
        let mut fetch = FolderFetch::new(&stick);
        let absolute = folder.path().join("secret");
        for path in ["../secret", "link", absolute.to_str().unwrap(), "."] {
            assert!(
                matches!(open(&mut fetch, path), Err(FetchError::Protocol(_))),
                "{path}"
            );
        }
    }
}
