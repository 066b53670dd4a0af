//! The client workflow (specification, section 5), over a remote repository and a local store that the caller brings.
//!
//! Nothing is stored that was not verified, and everything that was verified is stored before the next step.

mod error;
mod search;

pub use error::ClientError;

use crate::error::Error;
use crate::limits::Limits;
use crate::name::RoleName;
use crate::role::root::Root;
use crate::role::{MetaFile, RoleKeys};
use crate::trusted::{TrustedMetadata, newer_root, trust_anchor_root};
use crate::verify::Verified;

/// Where the repository's metadata comes from.
pub trait Remote {
    /// Why a fetch failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Fetches a file of the metadata folder, such as `3.root.json`; role names in it are percent-encoded already.
    /// `None` if the repository does not have it (404), an error if that could not be found out.
    /// Should stop reading one byte after `limit`; longer content is refused in any case.
    fn fetch(&mut self, file: &str, limit: u64) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Where trusted metadata is kept between runs, byte for byte.
pub trait Local {
    /// Why the store failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Loads a file, such as `root.json`. `None` if there is none.
    fn load(&mut self, file: &str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Keeps a file: after a crash there is the old content or the new one, never a mixture.
    fn store(&mut self, file: &str, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Removes a file; not having it is no error.
    fn remove(&mut self, file: &str) -> Result<(), Self::Error>;
}

/// The file in the local store with the trust anchor that was last given, for a caller that keeps it nowhere else.
pub const TRUST_ANCHOR: &str = "trust-anchor";

/// The file in the local store with the trusted root.
const ROOT: &str = "root.json";

/// The result of a step of a client over these two.
type Outcome<T, R, L> = Result<T, ClientError<<R as Remote>::Error, <L as Local>::Error>>;

/// A client of one repository.
#[derive(Debug)]
pub struct Client<R, L> {
    remote: R,
    local: L,
    limits: Limits,
    root: Verified<Root>,
    trusted: Option<TrustedMetadata>,
}

impl<R: Remote, L: Local> Client<R, L> {
    /// A client that goes on from the newest stored root that the trust anchor leads to, or from the trust
    /// anchor if there is none. Fetches nothing.
    ///
    /// The store alone vouches for nothing: what it holds counts only as far as signatures link it to this
    /// anchor. So an older anchor does not undo a rotation, one of other keys takes nothing over, and a newer
    /// one ends what was signed by keys that it revokes.
    /// Errors: [`Error::TrustAnchor`], or the local store fails.
    pub fn new(
        remote: R,
        mut local: L,
        trust_anchor: &[u8],
        limits: Limits,
    ) -> Outcome<Self, R, L> {
        let newest = newest_root(&mut local, trust_anchor_root(trust_anchor)?)?;
        let stored = load(&mut local, ROOT)?.and_then(|bytes| trust_anchor_root(&bytes).ok());
        let is_stored = stored
            .as_ref()
            .is_some_and(|stored| stored.bytes() == newest.bytes());
        let mut client = Self {
            remote,
            local,
            limits,
            root: stored.unwrap_or_else(|| newest.clone()),
            trusted: None,
        };
        if !is_stored {
            client.keep_root(&newest)?;
        }
        client.keep_trust_anchor(trust_anchor)?;
        Ok(client)
    }

    /// Brings the top-level roles up to date, as of this time. After an error there is no trusted
    /// state to look for targets in until a refresh succeeds; what had been stored is kept.
    pub fn refresh(&mut self, now: jiff::Timestamp) -> Outcome<&TrustedMetadata, R, L> {
        self.trusted = None;
        let mut trusted = TrustedMetadata::from_root(self.root.clone(), now);
        self.refresh_root(&mut trusted)?;
        self.refresh_timestamp(&mut trusted)?;
        self.refresh_snapshot(&mut trusted)?;
        self.load_role(&mut trusted, &RoleName::fixed("targets"), None)?;
        Ok(self.trusted.insert(trusted))
    }

    /// The root trusted at present.
    pub fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// What the last refresh trusted, if it succeeded.
    pub fn trusted(&self) -> Option<&TrustedMetadata> {
        self.trusted.as_ref()
    }

    /// The remote, for a caller that fetches targets through it too.
    pub fn remote(&mut self) -> &mut R {
        &mut self.remote
    }

    /// Roots N + 1, N + 2 and so on, until there is no further one.
    fn refresh_root(&mut self, trusted: &mut TrustedMetadata) -> Outcome<(), R, L> {
        for rotation in 0.. {
            let next = trusted.root().version.saturating_add(1);
            let Some(bytes) = self.fetch(&format!("{next}.root.json"), self.limits.root)? else {
                break;
            };
            if rotation >= self.limits.root_rotations {
                return Err(Error::TooManyRoots {
                    limit: self.limits.root_rotations,
                }
                .into());
            }
            trusted.update_root(bytes)?;
            self.keep_root(trusted.root())?;
        }
        Ok(())
    }

    /// Fast-forward recovery: whoever held a revoked key may have signed versions that nobody can
    /// surpass, so what those keys signed no longer counts against rollback.
    fn keep_root(&mut self, root: &Verified<Root>) -> Outcome<(), R, L> {
        let (old, new) = (&self.root.roles, &root.roles);
        if revokes(&old.timestamp, &new.timestamp) || revokes(&old.snapshot, &new.snapshot) {
            remove(&mut self.local, "timestamp.json")?;
            remove(&mut self.local, "snapshot.json")?;
        }
        // In this order: after a crash in between, the next start finds the newer root by its version.
        store(&mut self.local, &link(root.version), root.bytes())?;
        store(&mut self.local, ROOT, root.bytes())?;
        self.root = root.clone();
        Ok(())
    }

    fn keep_trust_anchor(&mut self, trust_anchor: &[u8]) -> Outcome<(), R, L> {
        if load(&mut self.local, TRUST_ANCHOR)?.as_deref() == Some(trust_anchor) {
            return Ok(());
        }
        store(&mut self.local, TRUST_ANCHOR, trust_anchor)
    }

    fn refresh_timestamp(&mut self, trusted: &mut TrustedMetadata) -> Outcome<(), R, L> {
        if let Some(stored) = load(&mut self.local, "timestamp.json")? {
            // One that no longer verifies says nothing about rollback.
            drop(trusted.restore_timestamp(stored));
        }
        let bytes = self.fetch_existing("timestamp.json", self.limits.timestamp)?;
        if trusted.update_timestamp(bytes.clone())? {
            store(&mut self.local, "timestamp.json", &bytes)?;
        }
        Ok(())
    }

    fn refresh_snapshot(&mut self, trusted: &mut TrustedMetadata) -> Outcome<(), R, L> {
        let role = RoleName::fixed("snapshot");
        if let Some(stored) = load(&mut self.local, &role.local_file())?
            && let Ok(true) = trusted.restore_snapshot(stored)
        {
            return Ok(());
        }
        let meta = trusted
            .timestamp()
            .map(|timestamp| timestamp.snapshot().clone());
        let meta = meta.ok_or_else(|| out_of_order("snapshot", "timestamp"))?;
        let bytes = self.fetch_role(&role, &meta, self.limits.snapshot)?;
        trusted.update_snapshot(bytes.clone())?;
        store(&mut self.local, &role.local_file(), &bytes)
    }

    /// A targets role: the stored one if it is the current one, else the repository's.
    /// Either is checked as this delegator (none: root) says, each time that it is asked for.
    fn load_role(
        &mut self,
        trusted: &mut TrustedMetadata,
        role: &RoleName,
        delegator: Option<&RoleName>,
    ) -> Outcome<(), R, L> {
        let update = |trusted: &mut TrustedMetadata, bytes| match delegator {
            None => trusted.update_targets(bytes),
            Some(delegator) => trusted.update_delegated(role, delegator, bytes),
        };
        let meta = trusted.meta(role)?.clone();
        if let Some(stored) = load(&mut self.local, &role.local_file())?
            && update(trusted, stored).is_ok()
        {
            return Ok(());
        }
        let bytes = self.fetch_role(role, &meta, self.limits.targets)?;
        update(trusted, bytes.clone())?;
        store(&mut self.local, &role.local_file(), &bytes)
    }

    fn fetch_role(
        &mut self,
        role: &RoleName,
        meta: &MetaFile,
        limit: u64,
    ) -> Outcome<Vec<u8>, R, L> {
        let limit = meta.length.map_or(limit, |length| length.min(limit));
        if self.root.consistent_snapshot {
            return self.fetch_existing(&role.versioned_file(meta.version), limit);
        }
        self.fetch_existing(&role.local_file(), limit)
    }

    fn fetch_existing(&mut self, file: &str, limit: u64) -> Outcome<Vec<u8>, R, L> {
        let bytes = self.fetch(file, limit)?;
        Ok(bytes.ok_or_else(|| Error::Missing {
            file: file.to_owned(),
        })?)
    }

    fn fetch(&mut self, file: &str, limit: u64) -> Outcome<Option<Vec<u8>>, R, L> {
        let network = |source| ClientError::Network {
            file: file.to_owned(),
            source,
        };
        let bytes = self.remote.fetch(file, limit).map_err(network)?;
        let too_long =
            |bytes: &Vec<u8>| u64::try_from(bytes.len()).map_or(true, |length| length > limit);
        if bytes.as_ref().is_some_and(too_long) {
            return Err(Error::TooLong {
                file: file.to_owned(),
                limit,
            }
            .into());
        }
        Ok(bytes)
    }
}

/// The root at the end of the stored roots, each signed as the one before it says, that begin with this one.
fn newest_root<R: std::error::Error, L: Local>(
    local: &mut L,
    mut root: Verified<Root>,
) -> Stored<Verified<Root>, R, L> {
    while let Some(newer) = stored_newer_root(local, &root)? {
        root = newer;
    }
    Ok(root)
}

/// The trusted root, or where its keys are not enough to sign that, the next version.
fn stored_newer_root<R: std::error::Error, L: Local>(
    local: &mut L,
    root: &Verified<Root>,
) -> Stored<Option<Verified<Root>>, R, L> {
    for file in [ROOT.to_owned(), link(root.version.saturating_add(1))] {
        let newer = load(local, &file)?.and_then(|bytes| newer_root(root, bytes));
        if newer.is_some() {
            return Ok(newer);
        }
    }
    Ok(None)
}

/// The file in the local store with a version of root. No role's own file can have this name: those end in `.json`.
fn link(version: u64) -> String {
    format!("{version}.root")
}

/// Whether a key that might sign may no longer do so.
fn revokes(old: &RoleKeys, new: &RoleKeys) -> bool {
    old.keyids()
        .iter()
        .any(|keyid| !new.keyids().contains(keyid))
}

fn out_of_order(role: &str, needs: &str) -> Error {
    Error::OutOfOrder {
        role: RoleName::fixed(role),
        needs: RoleName::fixed(needs),
    }
}

type Stored<T, R, L> = Result<T, ClientError<R, <L as Local>::Error>>;

fn load<R: std::error::Error, L: Local>(
    local: &mut L,
    file: &str,
) -> Stored<Option<Vec<u8>>, R, L> {
    local.load(file).map_err(|source| ClientError::LocalStore {
        file: file.to_owned(),
        source,
    })
}

fn store<R: std::error::Error, L: Local>(
    local: &mut L,
    file: &str,
    bytes: &[u8],
) -> Stored<(), R, L> {
    local
        .store(file, bytes)
        .map_err(|source| ClientError::LocalStore {
            file: file.to_owned(),
            source,
        })
}

fn remove<R: std::error::Error, L: Local>(local: &mut L, file: &str) -> Stored<(), R, L> {
    local
        .remove(file)
        .map_err(|source| ClientError::LocalStore {
            file: file.to_owned(),
            source,
        })
}
