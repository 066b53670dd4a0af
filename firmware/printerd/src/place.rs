//! Which printer a command is for: the running image, its configuration, and what both say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use firstlayer_policy::RunningRelease;

use crate::config::Config;

/// Where an image keeps what it knows of itself.
const SHARE: &str = "usr/share/printerd";
/// Where an image keeps the configuration that its printers begin with.
const CONFIG: &str = "etc/printerd/config.toml";

/// Where to find a printer's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The configuration in place of the image's own.
    pub config: Option<PathBuf>,
    /// Where the running image is.
    pub root: PathBuf,
}

/// Everything that is read from files before the first step.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) config: Config,
    pub(crate) running: RunningRelease,
    pub(crate) trust_anchor: Vec<u8>,
}

impl Installation {
    /// Reads what runs at this place, and how it is configured.
    pub(crate) fn load(place: &Place) -> anyhow::Result<Self> {
        let config = place.config.clone();
        let path = config.unwrap_or_else(|| place.root.join(CONFIG));
        let share = place.root.join(SHARE);
        let (release, root) = (share.join("release.json"), share.join("root.json"));
        let reading = |what: &str, path: &Path| format!("reading {what}, {}", path.display());
        let bytes = fs::read(&release).with_context(|| reading("what runs", &release))?;
        let running =
            RunningRelease::parse(&bytes).with_context(|| reading("what runs", &release))?;
        let trust_anchor = fs::read(&root).with_context(|| reading("the trust anchor", &root))?;
        Ok(Self {
            config: Config::load(&path, &running)?,
            running,
            trust_anchor,
        })
    }
}
