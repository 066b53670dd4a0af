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
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// Models, versions and channels of releases that no manifest lists.
    unlisted: [HashSet<String>; 3],
    /// No manifest knows of regions.
    regions: HashSet<String>,
}

impl Names {
    pub(super) fn new(standing: Arc<Standing>) -> Self {
        let heard = Mutex::default();
        Self { standing, heard }
    }

    /// Whether an entry may come in: its release is one that a manifest lists, or there is room for its names. A region
    /// for which there is none is taken off it.
    pub(super) fn take(&self, entry: &mut Entry) -> bool {
        let listed = self.is_listed(entry);
        if listed && entry.region.is_none() {
            return true;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !listed && !heard.take_release(entry) {
            return false;
        }
        let region = entry.region.as_ref().map(ToString::to_string);
        if region.is_some_and(|region| !take(&mut heard.regions, region)) {
            entry.region = None;
        }
        true
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

impl Heard {
    fn take_release(&mut self, entry: &Entry) -> bool {
        let names = [
            entry.model.to_string(),
            entry.version.to_string(),
            entry.channel.to_string(),
        ];
        let mut columns = self.unlisted.iter().zip(&names);
        let room = columns.all(|(heard, name)| has_room(heard, name));
        if room {
            for (heard, name) in self.unlisted.iter_mut().zip(names) {
                heard.insert(name);
            }
        }
        room
    }
}

fn take(heard: &mut HashSet<String>, name: String) -> bool {
    let room = has_room(heard, &name);
    if room {
        heard.insert(name);
    }
    room
}

fn has_room(heard: &HashSet<String>, name: &str) -> bool {
    heard.len() < NAMES || heard.contains(name)
}
