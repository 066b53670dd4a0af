//! Removes what the commands made. Says beforehand what that is; keys go only when they are asked for by name.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::checkout::Checkout;

/// What to remove beside what can be made again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    /// The local repository and the development keys: whatever they signed can never be updated again.
    pub keys_and_repository: bool,
    /// The cross-compiling toolchain, some hundred megabytes to fetch again.
    pub toolchain: bool,
    /// Say what would go, remove nothing.
    pub dry_run: bool,
}

/// The report of `cargo xtask clean`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether anything was removed, or only listed.
    pub dry_run: bool,
    /// What goes.
    pub removed: Vec<Utf8PathBuf>,
    /// What stays.
    pub kept: Vec<Utf8PathBuf>,
}

/// Folders that only a person may give up.
const PRECIOUS: [&str; 2] = ["keys", "repository"];
const TOOLCHAIN: &str = "toolchain";

/// Removes entries of `.firstlayer/`, and nothing outside of it.
///
/// # Errors
/// What could not be listed or removed.
pub fn clean(checkout: &Checkout, request: &Request) -> Result<Report> {
    let mut report = Report {
        dry_run: request.dry_run,
        removed: Vec::new(),
        kept: Vec::new(),
    };
    let state = checkout.state();
    if !state.exists() {
        return Ok(report);
    }
    let entries = state
        .read_dir_utf8()
        .with_context(|| format!("cannot list {state}"))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {state}"))?;
        let goes = match entry.file_name() {
            name if PRECIOUS.contains(&name) => request.keys_and_repository,
            TOOLCHAIN => request.toolchain,
            _ => true,
        };
        let list = if goes {
            &mut report.removed
        } else {
            &mut report.kept
        };
        list.push(entry.into_path());
    }
    report.removed.sort();
    report.kept.sort();
    if !request.dry_run {
        report.removed.iter().try_for_each(remove)?;
    }
    Ok(report)
}

/// A link is removed as such, and not what it leads to.
fn remove(path: &Utf8PathBuf) -> Result<()> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("cannot look at {path}"))?;
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.with_context(|| format!("cannot remove {path}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        self.removed
            .iter()
            .try_for_each(|path| writeln!(f, "{verb} {path}"))?;
        self.kept
            .iter()
            .try_for_each(|path| writeln!(f, "kept {path}"))?;
        match self.removed.is_empty() {
            true => writeln!(f, "there was nothing to remove"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;

    fn checkout() -> (tempfile::TempDir, Checkout) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs::create_dir_all(root.join("firmware/boards")).unwrap();
        fs::write(root.join("Cargo.toml"), "").unwrap();
        for name in ["build", "keys", "repository", "toolchain"] {
            fs::create_dir_all(root.join(".firstlayer").join(name)).unwrap();
        }
        let checkout = Checkout::around(root).unwrap();
        (folder, checkout)
    }

    fn left(checkout: &Checkout) -> Vec<String> {
        let mut names: Vec<_> = checkout
            .state()
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn keys_repository_and_toolchain_stay_unless_asked_for() {
        let (_folder, checkout) = checkout();
        clean(&checkout, &Request::default()).unwrap();
        assert_eq!(left(&checkout), ["keys", "repository", "toolchain"]);
        clean(
            &checkout,
            &Request {
                toolchain: true,
                ..Request::default()
            },
        )
        .unwrap();
        assert_eq!(left(&checkout), ["keys", "repository"]);
        clean(
            &checkout,
            &Request {
                keys_and_repository: true,
                ..Request::default()
            },
        )
        .unwrap();
        assert!(left(&checkout).is_empty());
    }

    #[test]
    fn a_dry_run_lists_and_removes_nothing() {
        let (_folder, checkout) = checkout();
        let report = clean(
            &checkout,
            &Request {
                dry_run: true,
                ..Request::default()
            },
        )
        .unwrap();
        assert_eq!(report.removed.len(), 1);
        assert_eq!(left(&checkout).len(), 4);
    }

    #[test]
    fn what_a_link_leads_to_stays() {
        let (_folder, checkout) = checkout();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("precious"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), checkout.state().join("target")).unwrap();
        clean(&checkout, &Request::default()).unwrap();
        assert!(elsewhere.path().join("precious").exists());
    }
}
