//! A census as it is written. Every value is made of plain characters and begins with a letter or a digit: none needs
//! quotes, and none is a formula to a spreadsheet.

use std::io::{self, Write};

use crate::{Column, Entry};

/// The first line.
pub fn write_header(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", Column::ALL.map(Column::name).join(","))
}

/// The line of one printer.
pub fn write_entry(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let Entry {
        serial,
        model,
        version,
        channel,
        region,
        last_seen,
    } = entry;
    let region = region.as_ref().map_or("", |region| region.as_str());
    writeln!(
        out,
        "{serial},{model},{version},{channel},{region},{last_seen}"
    )
}
