//! Why the card refused, and whose fault it is.

use std::io;

/// Why something on the card was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// There is nothing of that name.
    #[error("no such file or folder")]
    NotFound,
    /// A folder, a link or a device stands where a file was meant.
    #[error("not a file")]
    NotAFile,
    /// Something else stands where a folder was meant.
    #[error("not a folder")]
    NotAFolder,
    /// The name is taken.
    #[error("the name is taken")]
    Exists,
    /// The folder still holds something.
    #[error("the folder is not empty")]
    NotEmpty,
    /// One of the printer's own folders, or the card itself: they stay where they are.
    #[error("the printer needs this folder")]
    Fixed,
    /// The path leads out of the card, or the card does not allow it.
    #[error("not allowed on this card")]
    Denied,
    /// The card's file system cannot hold such a name.
    #[error("the card cannot hold such a name")]
    Name,
    /// The file is larger than one file may be.
    #[error("a file may have no more than {limit} bytes")]
    TooLarge {
        /// The largest size in bytes.
        limit: u64,
    },
    /// The card is full, but for what is kept free.
    #[error("not enough space on the card")]
    NoSpace,
    /// The folder is full.
    #[error("a folder may have no more than {limit} entries")]
    TooManyEntries {
        /// The largest number of names.
        limit: usize,
    },
    /// Another upload to the same path is not over.
    #[error("another upload of this file is under way")]
    Busy,
    /// There is nothing to resume at that offset.
    #[error("cannot resume there: {have} bytes are on the card")]
    WrongOffset {
        /// How many bytes there are.
        have: u64,
    },
    /// The card failed.
    #[error("the card failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for CardError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::NotFound,
            Kind::NotADirectory => Self::NotAFolder,
            Kind::IsADirectory => Self::NotAFile,
            Kind::AlreadyExists => Self::Exists,
            Kind::DirectoryNotEmpty => Self::NotEmpty,
            Kind::PermissionDenied | Kind::CrossesDevices => Self::Denied,
            Kind::StorageFull | Kind::QuotaExceeded => Self::NoSpace,
            Kind::InvalidFilename | Kind::InvalidInput => Self::Name,
            _ => Self::Io(error),
        }
    }
}
