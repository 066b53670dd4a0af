//! What is wrong with a census in a file: always with the file, and with the line and column where there is one.

use std::io;

use crate::Column;

/// Why a census cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CensusError {
    /// The file or the disk.
    #[error("the census {file} cannot be read")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The compressed bytes.
    #[error("the census {file} begins as zstd does, and cannot be decompressed")]
    Compressed {
        /// The file.
        file: String,
        /// What zstd says.
        #[source]
        source: io::Error,
    },
    /// The text is longer than the limit.
    #[error("the census {file} has more than {limit} bytes of text, the limit")]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes.
        limit: u64,
    },
    /// A line.
    #[error("the census {file}, line {line}: {fault}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// All lines together.
    #[error("the census {file}: {fault}")]
    Whole {
        /// The file.
        file: String,
        /// What is wrong with them.
        fault: Fault,
    },
}

/// What is wrong with lines of a census.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The first line is not the header.
    #[error(
        "{problem}; the header names the columns serial, model, version, channel, region and last_seen, in any order, \
         each once, and perhaps others"
    )]
    Header {
        /// What is wrong with it.
        problem: String,
    },
    /// A value that its column does not take.
    #[error("column {column}: {problem}")]
    Value {
        /// The column.
        column: Column,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// More or fewer fields than the header.
    #[error("it has {found} fields, and the header has {wanted}")]
    Fields {
        /// Fields of the line.
        found: usize,
        /// Columns of the header.
        wanted: usize,
    },
    /// A quote that does not stand at the beginning and the end of a field.
    #[error("field {field} has a quote that does not enclose it whole; a field ends on its line")]
    Quote {
        /// The field, from 1.
        field: usize,
    },
    /// The line is longer than the limit.
    #[error("it has more than {limit} bytes, the limit")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// More columns than the limit.
    #[error("it has more than {limit} columns, the limit")]
    TooManyColumns {
        /// Columns.
        limit: usize,
    },
    /// More distinct names in a column than the limit.
    #[error("column {column} has more than {limit} distinct values, the limit")]
    TooManyNames {
        /// The column.
        column: Column,
        /// Values.
        limit: usize,
    },
    /// More distinct groups than the limit.
    #[error(
        "it has more than {limit} groups of model, version, channel, region and day, the limit"
    )]
    TooManyGroups {
        /// Groups.
        limit: usize,
    },
}
