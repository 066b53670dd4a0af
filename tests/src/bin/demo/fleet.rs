//! A hundred thousand printers, as a census lists them: the same in every telling.

use std::fmt::Write;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use semver::Version;

/// Printers.
pub(crate) const PRINTERS: usize = 100_000;
/// How many of a thousand run each version, oldest first; the rest run the newest.
const BEHIND: [usize; 4] = [4, 6, 15, 35];
const REGIONS: [&str; 3] = ["eu", "us", "asia"];
/// One of so many that are behind lies in a cupboard, for so many days: each version behind is older than that.
const CUPBOARD: usize = 3;
const SILENT: usize = 60;

/// The census as CSV, as of that time, over these versions, oldest first.
pub(crate) fn census(versions: &[Version], model: &str, at: Timestamp) -> Result<String> {
    let mut csv = "serial,model,version,channel,region,last_seen\n".to_owned();
    for printer in 0..PRINTERS {
        let version = running(printer, versions).context("no version to run")?;
        let (serial, region) = (
            serial(printer),
            REGIONS.get(printer % REGIONS.len()).unwrap_or(&"eu"),
        );
        let newest = versions.last() == Some(version);
        let days = match !newest && printer.is_multiple_of(CUPBOARD) {
            true => SILENT,
            false => printer % 7,
        };
        let hours = i64::try_from(24 * days + printer % 24)?;
        let seen = at.checked_sub(SignedDuration::from_hours(hours))?;
        writeln!(csv, "{serial},{model},{version},stable,{region},{seen}")?;
    }
    Ok(csv)
}

/// The serial number of the first printer in use that runs this version.
pub(crate) fn customer(versions: &[Version], version: &Version) -> Option<String> {
    let mut in_use = (0..PRINTERS).filter(|printer| !printer.is_multiple_of(CUPBOARD));
    let found = in_use.find(|printer| running(*printer, versions) == Some(version));
    found.map(serial)
}

fn serial(printer: usize) -> String {
    format!("FL{printer:08}")
}

fn running(printer: usize, versions: &[Version]) -> Option<&Version> {
    // Spread over the serial numbers, so that no version has a region of its own.
    let mut place = printer.wrapping_mul(7919) % 1000;
    for (version, share) in versions.iter().zip(BEHIND) {
        if place < share {
            return Some(version);
        }
        place -= share;
    }
    versions.last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_share() {
        let versions: Vec<Version> = (0..5).map(|minor| Version::new(1, minor, 0)).collect();
        let count = |minor: usize| {
            let printers = 0..PRINTERS;
            printers
                .filter(|printer| running(*printer, &versions) == versions.get(minor))
                .count()
        };
        assert_eq!([0, 1, 2, 3, 4].map(count), [400, 600, 1500, 3500, 94_000]);
    }
}
