//! The one place that makes rules which are in force: every signature, every hash, and the right role for each document.

use std::collections::BTreeMap;
use std::io;

use firstlayer_metadata::{Client, Limits, Local, Role, Target, TrustedMetadata};
use firstlayer_policy::{Channel, ChannelManifest, EnforcementManifest, Policy};
use jiff::Timestamp;

use super::shown::Shown;
use super::{Freshness, RefreshError, Source};
use crate::limits::DOCUMENT;

/// The role that signs the rules.
pub(super) const ENFORCEMENT: &str = "enforcement";

/// Rules that were verified. There is no other way to get one.
#[derive(Debug)]
pub struct InForce {
    policy: Policy,
    /// Of each channel that has one.
    manifests: Vec<ChannelManifest>,
    /// Whether there are rules at all, be it none.
    enforcement_published: bool,
    timestamp_version: u64,
    accepted: Timestamp,
    expires: Timestamp,
    roles: Vec<Freshness>,
}

impl InForce {
    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The channels and their releases.
    pub fn manifests(&self) -> &[ChannelManifest] {
        &self.manifests
    }

    /// The channels whose releases it knows.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.manifests.iter().map(ChannelManifest::channel)
    }

    /// The revision of the rules: 0 where none were published.
    pub fn revision(&self) -> u64 {
        self.policy.enforcement().revision()
    }

    /// The version of the timestamp that vouches for it.
    pub fn timestamp_version(&self) -> u64 {
        self.timestamp_version
    }

    /// When it was verified against what the repository had.
    pub fn accepted(&self) -> Timestamp {
        self.accepted
    }

    /// When the first of its signatures expires.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Every role that it rests on.
    pub fn roles(&self) -> &[Freshness] {
        &self.roles
    }

    /// The time to judge by. Past the expiry time stands still: a deadline that was put off where the gate could not
    /// see it must not be enforced all the same.
    pub fn judged_at(&self, now: Timestamp) -> Timestamp {
        now.min(self.expires)
    }

    /// Whether it may take the place of `before`.
    pub(super) fn check_follows(&self, before: &Self) -> Result<(), RefreshError> {
        let gone = before
            .channels()
            .find(|channel| self.channels().all(|other| other != *channel));
        if let Some(channel) = gone {
            let document = ChannelManifest::target_name(channel);
            return Err(RefreshError::Gone { document });
        }
        if before.enforcement_published && !self.enforcement_published {
            let document = EnforcementManifest::TARGET.to_owned();
            return Err(RefreshError::Gone { document });
        }
        if !before.enforcement_published {
            return Ok(());
        }
        let (new, old) = (self.policy.enforcement(), before.policy.enforcement());
        new.check_follows(old)
            .map_err(|source| RefreshError::Document {
                document: EnforcementManifest::TARGET.to_owned(),
                source,
            })
    }
}

/// What was verified, and the files that show it.
pub(super) struct Verified {
    pub(super) in_force: InForce,
    pub(super) files: BTreeMap<String, String>,
}

/// Brings the metadata up to date and reads the documents of these channels and the rules.
pub(super) fn verify<L: Local<Error = io::Error>>(
    source: &Source,
    local: L,
    anchor: &[u8],
    channels: &[Channel],
    now: Timestamp,
) -> Result<Verified, RefreshError> {
    let mut client = Client::new(source.clone(), local, anchor, Limits::default())?;
    client.refresh(now)?;
    let mut documents = Documents {
        source,
        client,
        files: BTreeMap::new(),
    };
    let mut manifests = Vec::new();
    for channel in channels {
        manifests.extend(documents.channel(channel)?);
    }
    let enforcement = documents.enforcement()?;
    let enforcement_published = enforcement.is_some();
    let enforcement = match enforcement {
        Some(manifest) => manifest,
        None => {
            EnforcementManifest::new(0, Vec::new(), Vec::new()).map_err(refused(ENFORCEMENT))?
        }
    };
    let (trusted, documents) = documents.leave()?;
    let Shown { mut files, roles } = Shown::of(&trusted, channels);
    files.extend(documents);
    let expires = roles.iter().map(|role| role.expires).min();
    let in_force = InForce {
        policy: Policy::new(&manifests, enforcement),
        manifests,
        enforcement_published,
        timestamp_version: trusted
            .timestamp()
            .map_or(0, |timestamp| timestamp.version()),
        accepted: now,
        // Root is always among them.
        expires: expires.unwrap_or(now),
        roles,
    };
    Ok(Verified { in_force, files })
}

struct Documents<'a, L> {
    source: &'a Source,
    client: Client<Source, L>,
    files: BTreeMap<String, String>,
}

impl<L: Local<Error = io::Error>> Documents<'_, L> {
    fn channel(&mut self, channel: &Channel) -> Result<Option<ChannelManifest>, RefreshError> {
        let name = ChannelManifest::target_name(channel);
        let Some(bytes) = self.document(&name, channel.as_str())? else {
            return Ok(None);
        };
        let limits = firstlayer_policy::Limits::default();
        ChannelManifest::parse(&bytes, channel, &limits)
            .map(Some)
            .map_err(refused(&name))
    }

    fn enforcement(&mut self) -> Result<Option<EnforcementManifest>, RefreshError> {
        let name = EnforcementManifest::TARGET;
        let Some(bytes) = self.document(name, ENFORCEMENT)? else {
            return Ok(None);
        };
        EnforcementManifest::parse(&bytes)
            .map(Some)
            .map_err(refused(name))
    }

    /// A document's bytes, if it is published: as signed, and by the one role that may.
    fn document(&mut self, name: &str, wanted: &str) -> Result<Option<Vec<u8>>, RefreshError> {
        let path = name.parse().map_err(|error| {
            RefreshError::Metadata(Box::new(firstlayer_metadata::ClientError::Metadata(error)))
        })?;
        let Some(target) = self.client.find_target(&path)? else {
            return Ok(None);
        };
        check_signer(&target, wanted)?;
        let place = format!("targets/{}", target.remote_path());
        let bytes = fetched(self.source, &place, &target)?;
        // Whatever parses as JSON is text; whatever does not is refused by whoever parses it.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.files.insert(place, text);
        Ok(Some(bytes))
    }

    fn leave(self) -> Result<(TrustedMetadata, BTreeMap<String, String>), RefreshError> {
        let trusted = self.client.trusted().cloned();
        let out_of_order = || firstlayer_metadata::Error::Missing {
            file: "timestamp.json".to_owned(),
        };
        let trusted =
            trusted.ok_or_else(|| RefreshError::Metadata(Box::new(out_of_order().into())))?;
        Ok((trusted, self.files))
    }
}

fn check_signer(target: &Target, wanted: &str) -> Result<(), RefreshError> {
    if target.role().as_str() == wanted {
        return Ok(());
    }
    Err(RefreshError::WrongRole {
        document: target.path().clone(),
        role: target.role().clone(),
        wanted: wanted.to_owned(),
    })
}

fn fetched(source: &Source, place: &str, target: &Target) -> Result<Vec<u8>, RefreshError> {
    let document = || target.path().clone();
    if target.length() > DOCUMENT {
        return Err(RefreshError::TooLong {
            document: document(),
            limit: DOCUMENT,
        });
    }
    let bytes = source
        .file(place, target.length())
        .map_err(|source| RefreshError::Fetch {
            document: document(),
            source,
        })?
        .ok_or_else(|| RefreshError::Missing {
            document: document(),
        })?;
    let checked = target.verify().and_then(|mut verifier| {
        verifier.update(&bytes)?;
        verifier.finish()
    });
    match checked {
        Ok(_) => Ok(bytes),
        Err(source) => Err(RefreshError::Changed {
            document: document(),
            source: Box::new(source),
        }),
    }
}

fn refused(document: &str) -> impl FnOnce(firstlayer_policy::PolicyError) -> RefreshError {
    let document = document.to_owned();
    |source| RefreshError::Document { document, source }
}
