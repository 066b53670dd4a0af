//! What printers reported: read from CSV files in groups, and kept in a database.
//!
//! A census has of each printer its serial, model, version, channel and region, and when it was last seen; beside them
//! the key that it signs its reports with, and no more. Groups have no serials. Nothing here reads a clock.

#![forbid(unsafe_code)]

mod csv;
mod day;
mod device_key;
mod entry;
mod error;
mod groups;
mod limits;
mod store;
mod tally;

pub use csv::{read_csv, read_from, write_entry, write_header};
pub use day::{Day, DayError};
pub use device_key::{DeviceKey, DeviceKeyError};
pub use entry::{Column, Entry, Region, Serial, SerialError};
pub use error::{CensusError, Fault};
pub use groups::{GroupKey, Groups};
pub use limits::Limits;
pub use store::{DatabaseUrl, DatabaseUrlError, HistoryPoint, Store, StoreError};
