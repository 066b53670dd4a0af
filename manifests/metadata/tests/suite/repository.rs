//! A builder of repositories, made by the authoring API, and of hostile ones, made by surgery on their JSON.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use ed25519_dalek::{Signer as _, SigningKey};
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    DelegatedPaths, DelegatedRole, DelegatedRoles, Delegations, Expires, MetaFile, PathPattern,
    PublicKey, Role, RoleKeys, Root, RootRoles, Sign, SignError, Signature, Snapshot, TargetFile,
    Targets, Timestamp, canonical_json,
};
use serde_json::{Value, json};

/// A key that follows from its name.
#[derive(Clone)]
pub(crate) struct TestSigner {
    private: SigningKey,
    public: PublicKey,
}

impl TestSigner {
    pub(crate) fn new(name: &str) -> Self {
        let mut seed = [0; 32];
        seed.iter_mut()
            .zip(name.bytes())
            .for_each(|(slot, byte)| *slot = byte);
        let private = SigningKey::from_bytes(&seed);
        let public = PublicKey::ed25519(private.verifying_key().as_bytes(), Some(name)).unwrap();
        Self { private, public }
    }
}

impl Sign for TestSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature::new(
            self.public.key_id(),
            &self.private.sign(message).to_bytes(),
        ))
    }
}

/// A change to a role's JSON.
type Surgery = Rc<dyn Fn(&mut Value)>;

/// A repository: what it is going to publish, and the files that it has published.
#[derive(Clone)]
pub(crate) struct Repository {
    pub(crate) root: Root,
    /// The targets roles by name, top-level and delegated.
    pub(crate) roles: BTreeMap<String, Targets>,
    pub(crate) snapshot_version: u64,
    pub(crate) timestamp_version: u64,
    pub(crate) snapshot_expires: Expires,
    pub(crate) timestamp_expires: Expires,
    /// Who signs each role's file.
    pub(crate) signers: BTreeMap<String, Vec<TestSigner>>,
    /// What the web server has: `metadata/…` and `targets/…`.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    delegators: BTreeMap<String, String>,
    published_root: Option<(Root, Vec<TestSigner>)>,
    signed_surgery: BTreeMap<String, Surgery>,
    file_surgery: BTreeMap<String, Surgery>,
}

pub(crate) fn expires(time: &str) -> Expires {
    time.parse().unwrap()
}

pub(crate) fn far_future() -> Expires {
    expires("2099-01-01T00:00:00Z")
}

pub(crate) fn role_keys(threshold: u64, signers: &[TestSigner]) -> RoleKeys {
    let keyids = signers
        .iter()
        .map(|signer| signer.public.key_id())
        .collect();
    RoleKeys::new(threshold, keyids).unwrap()
}

pub(crate) fn signers(names: &[&str]) -> Vec<TestSigner> {
    names.iter().map(|name| TestSigner::new(name)).collect()
}

impl Repository {
    /// Top-level roles of one key each but for root, which wants two of three; one target, `hello`; published.
    pub(crate) fn new() -> Self {
        let mut repository = Self::unpublished();
        repository.add_target("targets", "hello", b"hello");
        repository.publish_root();
        repository.publish();
        repository
    }

    fn unpublished() -> Self {
        let names = [
            ("root", vec!["root-1", "root-2", "root-3"]),
            ("timestamp", vec!["timestamp"]),
            ("snapshot", vec!["snapshot"]),
            ("targets", vec!["targets"]),
        ];
        let signers: BTreeMap<String, Vec<TestSigner>> = names
            .map(|(role, names)| (role.to_owned(), signers(&names)))
            .into();
        let keys = signers
            .values()
            .flatten()
            .map(|signer| signer.public.clone());
        let roles = RootRoles {
            root: role_keys(2, &signers["root"]),
            timestamp: role_keys(1, &signers["timestamp"]),
            snapshot: role_keys(1, &signers["snapshot"]),
            targets: role_keys(1, &signers["targets"]),
        };
        let root = Root::new(1, far_future(), keys, roles);
        let targets = Targets::new(1, far_future());
        Self {
            root,
            roles: BTreeMap::from([("targets".to_owned(), targets)]),
            snapshot_version: 1,
            timestamp_version: 1,
            snapshot_expires: far_future(),
            timestamp_expires: far_future(),
            signers,
            files: BTreeMap::new(),
            delegators: BTreeMap::new(),
            published_root: None,
            signed_surgery: BTreeMap::new(),
            file_surgery: BTreeMap::new(),
        }
    }

    /// Gives a top-level role to these keys. Takes effect with the next root.
    pub(crate) fn set_keys(&mut self, role: &str, threshold: u64, names: &[&str]) {
        let signers = signers(names);
        let keys = role_keys(threshold, &signers);
        match role {
            "root" => self.root.roles.root = keys,
            "timestamp" => self.root.roles.timestamp = keys,
            "snapshot" => self.root.roles.snapshot = keys,
            _ => self.root.roles.targets = keys,
        }
        let public = signers
            .iter()
            .map(|signer| (signer.public.key_id(), signer.public.clone()));
        self.root.keys.extend(public);
        self.signers.insert(role.to_owned(), signers);
    }

    /// Delegates to a role with one key of the role's name.
    pub(crate) fn delegate(
        &mut self,
        delegator: &str,
        role: &str,
        patterns: &[&str],
        terminating: bool,
    ) {
        self.delegate_to_keys(delegator, role, patterns, terminating, 1, &[role]);
    }

    /// Delegates to a role with keys of its own under this delegator.
    pub(crate) fn delegate_to_keys(
        &mut self,
        delegator: &str,
        role: &str,
        patterns: &[&str],
        terminating: bool,
        threshold: u64,
        names: &[&str],
    ) {
        let signers = signers(names);
        let delegated = DelegatedRole {
            name: role.parse().unwrap(),
            keys: role_keys(threshold, &signers),
            terminating,
            paths: DelegatedPaths::Patterns(
                patterns
                    .iter()
                    .map(|pattern| PathPattern::new(*pattern))
                    .collect(),
            ),
        };
        let from = self.roles.get_mut(delegator).unwrap();
        let empty = Delegations::new([], Vec::new()).unwrap();
        let delegations = from.delegations.get_or_insert(empty);
        let public = signers
            .iter()
            .map(|signer| (signer.public.key_id(), signer.public.clone()));
        delegations.keys.extend(public);
        let DelegatedRoles::Named(roles) = &mut delegations.roles else {
            panic!("named roles only")
        };
        roles.push(delegated);
        self.delegators
            .entry(role.to_owned())
            .or_insert_with(|| delegator.to_owned());
        self.roles
            .entry(role.to_owned())
            .or_insert_with(|| Targets::new(1, far_future()));
        self.signers.entry(role.to_owned()).or_insert(signers);
    }

    /// Puts a target under a role, and its file where clients look for it.
    pub(crate) fn add_target(&mut self, role: &str, path: &str, bytes: &[u8]) {
        let file = TargetFile::of(bytes);
        self.files.insert(
            format!("targets/{}.{path}", file.hashes.sha256().unwrap()),
            bytes.to_vec(),
        );
        self.roles
            .get_mut(role)
            .unwrap()
            .targets
            .insert(path.parse().unwrap(), file);
    }

    /// Changes what is signed of a role, from the next publishing on.
    pub(crate) fn alter(&mut self, role: &str, surgery: impl Fn(&mut Value) + 'static) {
        self.signed_surgery
            .insert(role.to_owned(), Rc::new(surgery));
    }

    /// Changes a role's file after it was signed, from the next publishing on.
    pub(crate) fn alter_file(&mut self, role: &str, surgery: impl Fn(&mut Value) + 'static) {
        self.file_surgery.insert(role.to_owned(), Rc::new(surgery));
    }

    /// Publishes honestly again.
    pub(crate) fn heal(&mut self) {
        self.signed_surgery.clear();
        self.file_surgery.clear();
    }

    /// Publishes the root under its version, or under the next one if that is published already.
    pub(crate) fn publish_root(&mut self) {
        let previous = self.published_root.take();
        if let Some((old, _)) = &previous {
            self.root.version = old.version + 1;
        }
        let old_signers = previous.iter().flat_map(|(_, signers)| signers.clone());
        let mut signers: BTreeMap<_, _> = old_signers
            .map(|signer| (signer.public.key_id(), signer))
            .collect();
        signers.extend(
            self.signers["root"]
                .iter()
                .map(|signer| (signer.public.key_id(), signer.clone())),
        );
        let draft =
            Draft::root(self.root.clone(), previous.as_ref().map(|(root, _)| root)).unwrap();
        let name = draft.file_name();
        let file = self.signed(draft, &signers.into_values().collect::<Vec<_>>());
        self.files.insert(format!("metadata/{name}"), file);
        self.published_root = Some((self.root.clone(), self.signers["root"].clone()));
    }

    /// Publishes all targets roles under their versions, and a new snapshot and timestamp.
    pub(crate) fn publish(&mut self) {
        let mut meta = BTreeMap::new();
        for role in self.roles.keys().cloned().collect::<Vec<_>>() {
            meta.insert(role.parse().unwrap(), self.publish_role(&role));
        }
        let snapshot = Snapshot::new(self.snapshot_version, self.snapshot_expires, meta);
        let draft = Draft::snapshot(snapshot, &self.root).unwrap();
        let name = draft.file_name();
        let bytes = self.signed(draft, &self.signers["snapshot"]);
        let file = MetaFile::of(self.snapshot_version, &bytes);
        self.files.insert(format!("metadata/{name}"), bytes);
        let timestamp = Timestamp::new(self.timestamp_version, self.timestamp_expires, file);
        let draft = Draft::timestamp(timestamp, &self.root).unwrap();
        let bytes = self.signed(draft, &self.signers["timestamp"]);
        self.files
            .insert("metadata/timestamp.json".to_owned(), bytes);
        self.snapshot_version += 1;
        self.timestamp_version += 1;
    }

    /// The root from which a client starts.
    pub(crate) fn trust_anchor(&self) -> Vec<u8> {
        self.files["metadata/1.root.json"].clone()
    }

    /// Gives a role its next version.
    pub(crate) fn bump(&mut self, role: &str) {
        self.roles.get_mut(role).unwrap().version += 1;
    }

    /// Writes all files into a folder.
    #[allow(
        clippy::disallowed_methods,
        reason = "for tests of programs; the crate itself opens no file"
    )]
    pub(crate) fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    fn publish_role(&mut self, role: &str) -> MetaFile {
        let targets = self.roles[role].clone();
        let version = targets.version;
        let draft = match self.delegators.get(role) {
            None => Draft::targets(targets, &self.root),
            Some(delegator) => {
                let delegations = self.roles[delegator].delegations.as_ref().unwrap();
                let delegator = delegator.parse().unwrap();
                Draft::delegated(&role.parse().unwrap(), targets, &delegator, delegations)
            }
        };
        let draft = draft.unwrap();
        let name = format!("metadata/{}", draft.file_name());
        let bytes = self.signed(draft, &self.signers[role]);
        let file = MetaFile::of(version, &bytes);
        self.files.insert(name, bytes);
        file
    }

    /// Signed as it should be, unless surgery is due.
    fn signed<T: Role>(&self, mut draft: Draft<T>, signers: &[TestSigner]) -> Vec<u8> {
        let role = draft.name().to_string();
        let (signed_surgery, file_surgery) =
            (self.signed_surgery.get(&role), self.file_surgery.get(&role));
        if signed_surgery.is_none() && file_surgery.is_none() {
            signers
                .iter()
                .for_each(|signer| draft.sign_with(signer).unwrap());
            return draft.finish().unwrap();
        }
        let mut file: Value = serde_json::from_slice(&draft.partly_signed()).unwrap();
        signed_surgery.inspect(|surgery| surgery(&mut file["signed"]));
        sign_file(&mut file, signers);
        file_surgery.inspect(|surgery| surgery(&mut file));
        serde_json::to_vec_pretty(&file).unwrap()
    }
}

/// Puts fresh signatures on whatever the file says.
pub(crate) fn sign_file(file: &mut Value, signers: &[TestSigner]) {
    let message = canonical_json(&file["signed"]).unwrap();
    let signatures: Vec<_> = signers
        .iter()
        .map(|signer| signer.sign(&message).unwrap())
        .collect();
    file["signatures"] = json!(signatures);
}
