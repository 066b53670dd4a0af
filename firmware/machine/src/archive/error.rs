//! Why a file on the card is no job.

use std::io;

/// Why a print file was not accepted, or could not be read on. Names from the file are shortened, and shown escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The card failed, or the file was cut while it was read.
    #[error("the print file could not be read")]
    Read(#[source] io::Error),
    /// Whoever asks names something that is no plate.
    #[error("{0:?} does not name a plate, as Metadata/plate_1.gcode does")]
    PlateName(String),

    /// The file is something else.
    #[error("the file is not a ZIP archive")]
    NotAnArchive,
    /// The upload was cut, and its end is missing.
    #[error("the archive is not whole: its end is missing")]
    Truncated,
    /// The end is there, and the directory is not where it should be.
    #[error("the archive is not whole: its directory is missing")]
    NoDirectory,
    /// What one program takes for the end, another does not.
    #[error("the archive has two ends, or one that contradicts itself")]
    AmbiguousEnd,
    /// Something other than an archive begins the file.
    #[error("the archive does not begin at the file's first byte")]
    Prepended,
    /// The other disks are not there.
    #[error("the archive is spread over several disks")]
    SeveralDisks,
    /// Too many to look through.
    #[error("the archive has {found} entries, and at most {limit} are accepted")]
    TooManyEntries {
        /// What its end says.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Too long to look through.
    #[error("the archive's directory has {found} bytes, and at most {limit} are accepted")]
    DirectoryTooLong {
        /// What its end says.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The directory is not made of directory entries.
    #[error("the archive's directory is damaged")]
    BadDirectory,

    /// An entry that would be written elsewhere by whoever unpacks it.
    #[error("the archive has an entry with a name that is not allowed: {0:?}")]
    BadName(String),
    /// What one program takes for the content, another does not.
    #[error("the archive has two entries named {0:?}")]
    Duplicate(String),
    /// No password is known here.
    #[error("the archive's entry {0:?} is encrypted")]
    Encrypted(String),
    /// Entries that share their bytes, as zip bombs do.
    #[error("the archive's entries overlap each other or its directory")]
    Overlap,
    /// No such plate was sliced.
    #[error("the archive has no {0}")]
    NoPlate(String),
    /// Nothing says whether the G-code is whole.
    #[error("the archive has no {0}, so that nothing says whether its G-code is whole")]
    NoMd5(String),
    /// Something else than stored or deflated.
    #[error("the archive's entry {name} is compressed by method {method}, which is not supported")]
    Compression {
        /// The entry.
        name: String,
        /// The method's number in PKWARE's list.
        method: u16,
    },
    /// What one program takes for the content, another does not.
    #[error("the archive's entry {0} is described in two ways that disagree")]
    LocalHeader(String),
    /// Too much to read through.
    #[error("the archive's entry {name} has {found} bytes, and at most {limit} are accepted")]
    TooLarge {
        /// The entry.
        name: String,
        /// Its bytes, decompressed.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A zip bomb, or nothing that a slicer makes.
    #[error("the archive's entry {0} is compressed more than G-code can be")]
    Ratio(String),

    /// The compressed bytes make no content.
    #[error("the compressed G-code or its MD5 file is damaged")]
    Deflate,
    /// The content is longer or shorter than the directory says.
    #[error("the G-code or its MD5 file has another length than the archive says")]
    Length,
    /// The content is not what was put in.
    #[error("the G-code or its MD5 file is damaged: its CRC is not the archive's")]
    Crc,
    /// The MD5 file holds something else.
    #[error("the archive's {0} does not hold an MD5 in 32 hexadecimal digits")]
    Md5Form(String),
    /// The G-code is not what was sliced.
    #[error("the G-code's MD5 is not the one in the archive's {0}")]
    Md5(String),
    /// No machine could carry it out.
    #[error("line {0} of the G-code is too long")]
    LineTooLong(u64),
}

impl ArchiveError {
    /// What a reader of content failed with: ours inside an IO error, or an IO error of the medium.
    pub(crate) fn from_io(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Read)
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Read(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// A name from the archive, as much of it as a message needs.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(80).collect()
}
