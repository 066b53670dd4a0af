//! A sliced project, which is a ZIP archive: whole, with nothing hidden in it, and with the entries asked for.
//!
//! Slicers write stored and deflated entries, of the small form and the large one (ZIP64), with and without data
//! descriptors. Everything else that the format knows is refused, and nothing is ever unpacked onto the card.

mod content;
mod directory;
mod end;
mod error;
mod fields;
mod local;

use std::sync::Arc;

pub(crate) use content::{Content, Method, Source};
pub use error::ArchiveError;

use crate::{Limits, Medium};

/// Finds entries in an archive. The whole directory is checked, and the local header of each entry asked for;
/// their content is not read.
pub(crate) fn find<const N: usize>(
    medium: &Arc<dyn Medium>,
    names: [&str; N],
    limits: &Limits,
) -> Result<[Option<Source>; N], ArchiveError> {
    let directory = end::find(medium, limits)?;
    let mut sources = [const { None }; N];
    let entries = directory::read(medium, &directory, names, limits)?;
    for (source, entry) in sources.iter_mut().zip(entries) {
        *source = entry
            .map(|entry| local::check(medium, &entry))
            .transpose()?;
    }
    Ok(sources)
}
