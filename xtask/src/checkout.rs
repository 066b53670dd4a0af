//! Where the checkout lies and where in it our state is kept. Opens nothing but folders, and nothing outside the checkout.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::{Error, Result};

/// The folder that holds the workspace's `Cargo.toml` and `firmware/boards/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout(Utf8PathBuf);

impl Checkout {
    /// The checkout that `start` lies in: the nearest folder upwards that has boards.
    pub fn around(start: &Utf8Path) -> Result<Self> {
        start
            .ancestors()
            .find(|folder| {
                folder.join("firmware/boards").is_dir() && folder.join("Cargo.toml").is_file()
            })
            .map(|folder| Self(folder.to_owned()))
            .ok_or_else(|| Error::Missing {
                what: format!(
                    "a checkout of Firstlayer (no firmware/boards/ in {start} or above it)"
                ),
                next: "run it from inside the checkout".to_owned(),
            })
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Utf8Path {
        &self.0
    }

    /// One TOML a board.
    pub fn boards(&self) -> Utf8PathBuf {
        self.0.join("firmware/boards")
    }

    /// All that the commands make and keep; git ignores it.
    pub fn state(&self) -> Utf8PathBuf {
        self.0.join(".firstlayer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_from_a_folder_below_it() {
        let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = Checkout::around(&here.join("src/cli")).unwrap();
        assert_eq!(Some(checkout.root()), here.parent());
    }

    #[test]
    fn not_found_says_what_to_do() {
        let error = Checkout::around(Utf8Path::new("/"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("run it from inside the checkout"), "{error}");
    }
}
