//! Keeps the rules: what is accepted comes into force and onto the disk, what is refused changes nothing.

use std::path::Path;
use std::sync::Arc;

use firstlayer_policy::Channel;
use jiff::Timestamp;

use super::folder::Folder;
use super::kept::{Kept, NothingKept, add_roots};
use super::verify::{Verified, verify};
use super::{RefreshError, Source, Standing};
use crate::with_causes;

/// The folder of the trusted metadata, in that of the gate.
pub(crate) const METADATA: &str = "metadata";

/// Which repository, and what is read of it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Where its files come from.
    pub source: Source,
    /// The root that everything is verified from.
    pub anchor: Vec<u8>,
    /// The channels whose printers there are.
    pub channels: Vec<Channel>,
}

/// What a refresh that succeeded changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The rules or releases are others, or say so for longer.
    New,
    /// Nothing.
    Same,
}

/// The one writer of a [`Standing`].
#[derive(Debug)]
pub struct Keeper {
    origin: Origin,
    metadata: Folder,
    folder: Folder,
    standing: Arc<Standing>,
}

impl Keeper {
    /// Goes on from what is kept in the folder, if that verifies. Fetches nothing.
    pub fn open(origin: Origin, state: &Path, standing: Arc<Standing>, now: Timestamp) -> Self {
        let mut keeper = Self {
            origin,
            metadata: Folder::new(state.join(METADATA)),
            folder: Folder::new(state),
            standing,
        };
        if let Err(why) = keeper.resume() {
            tracing::error!(%why, "the rules that were kept are not usable");
            keeper.standing.raise(now, why);
        }
        keeper
    }

    /// Where what is in force can be read.
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Fetches, verifies, compares with what is in force, keeps, and swaps, in this order. Blocks.
    ///
    /// # Errors
    /// Why nothing was taken; what was in force still is, and the alarm says why.
    pub fn refresh(&mut self, now: Timestamp) -> Result<Change, RefreshError> {
        let done = self.try_refresh(now);
        match &done {
            Ok(_) => self.standing.all_is_well(),
            Err(error) => self.standing.raise(now, with_causes(error)),
        }
        done
    }

    fn try_refresh(&mut self, now: Timestamp) -> Result<Change, RefreshError> {
        let Origin {
            source,
            anchor,
            channels,
        } = &self.origin;
        let local = self.metadata.clone();
        let Verified {
            in_force,
            mut files,
        } = verify(source, local, anchor, channels, now)?;
        if let Some(before) = self.standing.in_force().as_ref() {
            in_force.check_follows(before)?;
            if in_force.timestamp_version() == before.timestamp_version()
                && in_force.expires() == before.expires()
            {
                return Ok(Change::Same);
            }
        }
        add_roots(&mut files, &mut self.metadata).map_err(RefreshError::Keep)?;
        let kept = Kept {
            accepted: now,
            files,
        };
        // First onto the disk: what is in force must never be newer than what a restart would go on from.
        kept.store(&mut self.folder).map_err(RefreshError::Keep)?;
        self.standing.take(in_force);
        Ok(Change::New)
    }

    fn resume(&mut self) -> Result<(), String> {
        let kept = Kept::load(&mut self.folder).map_err(|error| with_causes(&error))?;
        let Some(Kept { accepted, files }) = kept else {
            return Ok(());
        };
        let Origin {
            anchor, channels, ..
        } = &self.origin;
        let source = Source::Kept(files);
        let verified = verify(&source, NothingKept, anchor, channels, accepted)
            .map_err(|error| with_causes(&error))?;
        self.standing.take(verified.in_force);
        Ok(())
    }
}
