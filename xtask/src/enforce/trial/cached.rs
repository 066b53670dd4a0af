//! Trials of an earlier plan, kept in a folder by bundle and metadata: the same firmware says the same of the same files.
//!
//! Only plans read it: what is signed is tried afresh.

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use super::{Case, Trial, Tried};
use crate::repository::{RealDisk, replace_durably};

/// Keeps what came of each case in a folder.
pub(crate) struct Cached<'a> {
    pub(crate) trial: &'a dyn Trial,
    pub(crate) folder: Utf8PathBuf,
}

impl Trial for Cached<'_> {
    fn attempt(&self, case: &Case<'_>) -> Result<Tried> {
        let name = format!("{}-{}.json", case.release.bundle.sha256, case.metadata);
        let path = self.folder.join(name);
        let known = fs::read(&path).ok();
        // What cannot be understood is tried again.
        if let Some(tried) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(tried);
        }
        let tried = self.trial.attempt(case)?;
        // A bundle that is not there may be brought back.
        if !matches!(tried, Tried::Untried { .. }) {
            fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot make {}", self.folder))?;
            let bytes = serde_json::to_vec(&tried)?;
            replace_durably(&RealDisk, &path, &mut bytes.as_slice())
                .with_context(|| format!("cannot write {path}"))?;
        }
        Ok(tried)
    }
}
