//! Whose repository this is: its own `root.json` proves nothing, for whoever replaces a repository replaces that too.

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::checkout::Checkout;
use crate::release::keys_folder;
use crate::repository::Folder;

/// The trust anchor that a repository is verified from.
pub(crate) struct Anchor {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Why it cannot be relied on: it is the repository's own, and another than those that the checkout knows.
    pub(crate) stranger: Option<String>,
}

impl Anchor {
    /// The one that is named; or else the repository's own, compared with those that the checkout knows.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn find(
        checkout: &Checkout,
        folder: &Folder,
        named: Option<&Utf8Path>,
    ) -> Result<Self> {
        let path = named.map_or_else(|| folder.anchor(), Utf8Path::to_owned);
        let bytes = read(&path)?;
        let known = known(checkout);
        let mut familiar = named.is_some() || known.is_empty();
        for anchor in &known {
            familiar = familiar || read(anchor)? == bytes;
        }
        let stranger = (!familiar).then(|| foreign(&path, &known));
        Ok(Self { bytes, stranger })
    }
}

fn foreign(path: &Utf8Path, known: &[Utf8PathBuf]) -> String {
    let known: Vec<_> = known.iter().map(|anchor| anchor.as_str()).collect();
    format!(
        "{path} is another trust anchor than {}; if the repository is not this checkout's, name its anchor with --anchor",
        known.join(" and ")
    )
}

/// The anchors that lie where releases look for theirs.
fn known(checkout: &Checkout) -> Vec<Utf8PathBuf> {
    let mut anchors = vec![
        checkout.root().join("keys/roots/1.root.json"),
        keys_folder(checkout).join("root.json"),
    ];
    anchors.retain(|anchor| anchor.is_file());
    anchors
}

fn read(path: &Utf8Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read the trust anchor {path}"))
}
