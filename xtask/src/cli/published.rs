//! The options of every verb that looks at what is published.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use xtask::release::repository_folder;

use super::Session;

/// Which repository is looked at, and from which root.
#[derive(Debug, Args)]
pub(crate) struct Published {
    /// The folder of the repository [default: .firstlayer/repository]
    #[arg(long, value_name = "FOLDER")]
    repository: Option<Utf8PathBuf>,
    /// Verify from this root instead of the repository's own, which may be anyone's
    #[arg(long, value_name = "FILE")]
    anchor: Option<Utf8PathBuf>,
}

impl Published {
    /// The folder.
    pub(crate) fn repository(&self, session: &Session) -> Utf8PathBuf {
        let named = self.repository.clone();
        named.unwrap_or_else(|| repository_folder(session.checkout()))
    }

    /// The root to begin from, if one was named.
    pub(crate) fn anchor(&self) -> Option<&Utf8Path> {
        self.anchor.as_deref()
    }
}
