//! Names that nobody vouches for: a few come into the census, because firmware from before the first manifest has to be
//! counted, and no more than that. A census of names made up by the thousand could not be read any more.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use firstlayer_census::Entry;

use crate::limits::NAMES;
use crate::metadata::Standing;

/// The names that are no matter of verified manifests.
#[derive(Debug)]
pub(super) struct Names {
    standing: Arc<Standing>,
    /// Models, versions, channels and regions.
    heard: Mutex<[HashSet<String>; 4]>,
}

impl Names {
    pub(super) fn new(standing: Arc<Standing>) -> Self {
        let heard = Mutex::default();
        Self { standing, heard }
    }

    /// Whether an entry may come in: its release is one that a manifest lists, or there is room for its names.
    pub(super) fn take(&self, entry: &Entry) -> bool {
        let listed = self.is_listed(entry);
        let unlisted = |name: &dyn ToString| (!listed).then(|| name.to_string());
        let names = [
            unlisted(&entry.model),
            unlisted(&entry.version),
            unlisted(&entry.channel),
            entry.region.as_ref().map(ToString::to_string),
        ];
        if names.iter().all(Option::is_none) {
            return true;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut columns = heard.iter().zip(&names);
        let room = columns.all(|(heard, name)| match name {
            Some(name) => heard.len() < NAMES || heard.contains(name),
            None => true,
        });
        if room {
            for (heard, name) in heard.iter_mut().zip(names) {
                heard.extend(name);
            }
        }
        room
    }

    fn is_listed(&self, entry: &Entry) -> bool {
        self.standing.in_force().as_ref().is_some_and(|in_force| {
            let mut manifests = in_force.manifests().iter();
            let manifest = manifests.find(|manifest| *manifest.channel() == entry.channel);
            let mut releases = manifest
                .into_iter()
                .flat_map(|manifest| manifest.releases());
            releases.any(|release| {
                release.version == entry.version && release.models.contains(&entry.model)
            })
        })
    }
}
