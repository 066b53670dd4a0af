//! One upload: bytes go to a partial file, which takes its place when it is whole.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use crate::card::sync;
use crate::in_flight::Place;
use crate::limits::SPACE_STEP;
use crate::partial::{partial_name, partial_size, remove_partial};
use crate::{Card, CardError};

/// Where an upload starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the beginning: what was left of an earlier upload is dropped.
    Fresh,
    /// Behind as many bytes as this, which are on the card already.
    At(u64),
}

impl Start {
    pub(crate) const fn offset(self) -> u64 {
        match self {
            Self::Fresh => 0,
            Self::At(offset) => offset,
        }
    }
}

/// An upload under way. When dropped before it is finished, it can be resumed.
#[derive(Debug)]
#[must_use = "an upload that is dropped leaves a partial file"]
pub struct Upload {
    card: Card,
    folder: Dir,
    name: String,
    file: File,
    written: u64,
    /// Bytes that may be written before the next look at the free space.
    allowance: u64,
    _place: Place,
}

impl Upload {
    pub(crate) fn open(
        card: Card,
        folder: Dir,
        name: String,
        place: Place,
        start: Start,
    ) -> Result<Self, CardError> {
        let offset = start.offset();
        let (file, resumed) = match partial_size(&folder, &name) {
            Some(_) if offset > 0 => (resume(&folder, &name, offset)?, true),
            _ => (create(&folder, &name)?, false),
        };
        let mut upload = Self {
            card,
            folder,
            name,
            file,
            written: 0,
            allowance: 0,
            _place: place,
        };
        if resumed {
            upload.written = offset;
        } else if let Err(error) = upload.copy_start(offset) {
            upload.discard();
            return Err(error);
        }
        Ok(upload)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If the file gets too large or the card is full: then the upload had better be discarded.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), CardError> {
        let more = bytes.len() as u64;
        self.check_size(more)?;
        self.check_space(more)?;
        self.file.write_all(bytes)?;
        self.written += more;
        Ok(())
    }

    /// Bytes of the file so far, with those that were there at the start.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Makes it a file: synced, and then renamed into its place.
    ///
    /// # Errors
    /// If the card failed, or a folder took the place meanwhile. What came can still be resumed then.
    pub fn finish(self) -> Result<(), CardError> {
        self.file.sync_all()?;
        self.folder
            .rename(partial_name(&self.name), &self.folder, &self.name)?;
        Ok(sync(&self.folder)?)
    }

    /// Leaves nothing of it.
    pub fn discard(self) {
        // There is nobody to tell, and the next sweep tries again.
        let _ = remove_partial(&self.folder, &self.name);
    }

    fn check_size(&self, more: u64) -> Result<(), CardError> {
        let limit = self.card.limits().largest_file;
        let within = self
            .written
            .checked_add(more)
            .is_some_and(|size| size <= limit);
        if within {
            Ok(())
        } else {
            Err(CardError::TooLarge { limit })
        }
    }

    fn check_space(&mut self, more: u64) -> Result<(), CardError> {
        if more > self.allowance {
            let space = self.card.space()?;
            if more > space {
                return Err(CardError::NoSpace);
            }
            self.allowance = space.min(more.max(SPACE_STEP));
        }
        self.allowance -= more;
        Ok(())
    }

    /// Copies the start of the file that stands in the place.
    fn copy_start(&mut self, offset: u64) -> Result<(), CardError> {
        if offset == 0 {
            return Ok(());
        }
        self.check_size(offset)?;
        self.check_space(offset)?;
        let source = self.folder.open_with(
            &self.name,
            OpenOptions::new().read(true).custom_flags(plain()),
        )?;
        // From file to file the kernel does it, and no byte comes through here.
        let copied = io::copy(&mut source.into_std().take(offset), &mut self.file)?;
        self.written = copied;
        if copied == offset {
            Ok(())
        } else {
            Err(CardError::WrongOffset { have: copied })
        }
    }
}

/// A new partial file. Whatever stood there goes: it could be a link that somebody planted.
fn create(folder: &Dir, name: &str) -> io::Result<File> {
    remove_partial(folder, name)?;
    let options = OpenOptions::new().write(true).create_new(true).clone();
    Ok(folder.open_with(partial_name(name), &options)?.into_std())
}

fn resume(folder: &Dir, name: &str, offset: u64) -> io::Result<File> {
    let options = OpenOptions::new().write(true).custom_flags(plain()).clone();
    let mut file = folder.open_with(partial_name(name), &options)?.into_std();
    file.set_len(offset)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

/// Neither follows a link nor waits for a pipe.
fn plain() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}
