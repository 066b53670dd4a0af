//! Trials of an earlier plan that went well, kept in a folder: the same firmware says the same of the same files.
//!
//! Only plans read it: what is signed is tried afresh.

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use super::{Case, Trial, Tried};
use crate::repository::{RealDisk, replace_durably};

/// Keeps what was read in each case in a folder.
pub(crate) struct Cached<'a> {
    pub(crate) trial: &'a dyn Trial,
    pub(crate) folder: Utf8PathBuf,
}

impl Trial for Cached<'_> {
    fn attempt(&self, case: &Case<'_>) -> Result<Tried> {
        let path = self.folder.join(format!("{}.json", case.key()));
        let known = fs::read(&path).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Whatever else lies there is tried again.
        if let Some(reads @ Tried::Reads { .. }) = known {
            return Ok(reads);
        }
        let tried = self.trial.attempt(case)?;
        // A bundle that is not there may be brought back, and a machine that was too slow may have rested.
        if matches!(tried, Tried::Reads { .. }) {
            fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot make {}", self.folder))?;
            let bytes = serde_json::to_vec(&tried)?;
            replace_durably(&RealDisk, &path, &mut bytes.as_slice())
                .with_context(|| format!("cannot write {path}"))?;
        }
        Ok(tried)
    }
}
