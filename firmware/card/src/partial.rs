//! Partial files: the bytes of uploads that are not whole, beside the places that they will take.

use std::io;
use std::time::SystemTime;

use cap_std::fs::{Dir, Metadata};

use crate::in_flight::InFlight;
use crate::limits::DEPTH;
use crate::path::CardPath;

/// Starts with a dot, so that a card in a computer shows no clutter. None of its letters has a second form in another
/// alphabet that some file system would take for the same.
const PREFIX: &str = ".upload-";

/// The name of the partial file for `name`.
pub(crate) fn partial_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Whether `name` is kept for partial files, however it is written.
pub(crate) fn is_partial(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Size of the partial file for `name` in `folder`; none if there is none, or if something else stands there.
pub(crate) fn partial_size(folder: &Dir, name: &str) -> Option<u64> {
    let metadata = folder.symlink_metadata(partial_name(name)).ok()?;
    metadata.is_file().then(|| metadata.len())
}

/// Removes whatever stands where the partial file for `name` goes. That there is nothing is no error.
pub(crate) fn remove_partial(folder: &Dir, name: &str) -> io::Result<()> {
    absent_is_done(folder.remove_file(partial_name(name)))
}

/// Removes the partial files in `folder` and below that no upload is writing and that are older than `before`, or all
/// such if that is none.
pub(crate) fn sweep(
    folder: &Dir,
    at: &CardPath,
    in_flight: &InFlight,
    before: Option<SystemTime>,
) -> io::Result<()> {
    sweep_to(folder, at, in_flight, before, DEPTH)
}

fn sweep_to(
    folder: &Dir,
    at: &CardPath,
    in_flight: &InFlight,
    before: Option<SystemTime>,
    depth: usize,
) -> io::Result<()> {
    for entry in folder.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let metadata = entry.metadata()?;
        if let Some(place) = name.strip_prefix(PREFIX) {
            let busy = CardPath::parse(place, at).is_ok_and(|path| in_flight.holds(&path));
            if !busy && is_older(&metadata, before) {
                absent_is_done(folder.remove_file(&name))?;
            }
        } else if metadata.is_dir() && depth > 0 {
            let Ok(below) = CardPath::parse(&name, at) else {
                continue;
            };
            sweep_to(
                &folder.open_dir(&name)?,
                &below,
                in_flight,
                before,
                depth - 1,
            )?;
        }
    }
    Ok(())
}

fn is_older(metadata: &Metadata, before: Option<SystemTime>) -> bool {
    match (before, metadata.modified()) {
        (Some(before), Ok(modified)) => modified.into_std() < before,
        _ => true,
    }
}

fn absent_is_done(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
