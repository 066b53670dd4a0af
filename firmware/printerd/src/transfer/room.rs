//! Room on the card: what was fetched before gives way to what is fetched now, the oldest first.
//!
//! It must never remove what an owner put there, and removes nothing where all of it would not be enough.

use firstlayer_card::{Card, CardError, CardPath, Entry, Kind};

use super::place::is_ours;

/// Makes room for `size` bytes.
pub(super) fn make_room(card: &Card, size: u64) -> Result<(), CardError> {
    let lacking = size.saturating_sub(card.space()?);
    if lacking == 0 {
        return Ok(());
    }
    let cache = CardPath::parse("cache", &CardPath::root()).map_err(|_| CardError::Name)?;
    let mut fetched = card.list(&cache)?;
    fetched.retain(|entry| entry.kind == Kind::File && is_ours(&entry.name));
    for entry in oldest(fetched, lacking).ok_or(CardError::NoSpace)? {
        let path = CardPath::parse(&entry.name, &cache).map_err(|_| CardError::Name)?;
        tracing::info!(%path, "a file that was fetched before makes room");
        card.remove(&path)?;
    }
    Ok(())
}

/// The oldest files that have `lacking` bytes together; none if all of them have not.
fn oldest(mut files: Vec<Entry>, lacking: u64) -> Option<Vec<Entry>> {
    files.sort_by_key(|entry| entry.modified);
    let mut bytes = 0_u64;
    let mut enough = false;
    files.retain(|entry| {
        let goes = !enough;
        if goes {
            bytes = bytes.saturating_add(entry.size);
        }
        enough = bytes >= lacking;
        goes
    });
    enough.then_some(files)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        time::{Duration, SystemTime},
    };

    use firstlayer_card::CardLimits;

    use super::*;

    /// Of 1000 bytes each, by age; the card then lacks `lacking` bytes for what comes.
    fn kept(lacking: u64) -> (Result<(), CardError>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let mut limits = CardLimits::default();
        // All that is free is kept free: what is lacking is then the size itself.
        limits.keep_free = u64::MAX;
        let card = Card::open(folder.path(), limits).unwrap();
        let cache = folder.path().join("cache");
        for (age, name) in [
            (40, "own.3mf"),
            (30, "old-0123456789abcdef.3mf"),
            (20, "mid-0123456789abcdef.gcode"),
            (10, "new-0123456789abcdef.3mf"),
        ] {
            fs::write(cache.join(name), [0; 1000]).unwrap();
            let file = File::options().write(true).open(cache.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age))
                .unwrap();
        }
        let result = make_room(&card, lacking);
        let names = ["own", "old", "mid", "new"].map(str::to_owned).into_iter();
        let left: Vec<_> = fs::read_dir(cache)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let names = names.filter(|name| left.iter().any(|file| file.starts_with(name)));
        (result, names.collect())
    }

    #[test]
    fn the_oldest_go_and_no_more_than_have_to() {
        assert_eq!(kept(1).1, ["own", "mid", "new"]);
        assert_eq!(kept(1000).1, ["own", "mid", "new"]);
        assert_eq!(kept(1001).1, ["own", "new"]);
        assert_eq!(kept(3000).1, ["own"]);
    }

    #[test]
    fn nothing_goes_where_it_would_not_be_enough() {
        let (result, left) = kept(3001);
        assert!(matches!(result, Err(CardError::NoSpace)));
        assert_eq!(left, ["own", "old", "mid", "new"]);
    }
}
