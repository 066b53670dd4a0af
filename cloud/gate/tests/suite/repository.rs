//! A builder of repositories in a folder, honest until a test says otherwise.

use std::collections::BTreeMap;
use std::fs;

use ed25519_dalek::{Signer as _, SigningKey};
use firstlayer_bundle::{Counter, ManifestDigest, Sha256};
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    DelegatedPaths, DelegatedRole, Delegations, Expires, MetaFile, PathPattern, PublicKey, Role,
    RoleKeys, Root, RootRoles, Signature, Snapshot, TargetFile, Targets, Timestamp,
};
use firstlayer_policy::{
    BundleTarget, ChannelManifest, EnforcementManifest, EvidenceTarget, Relaxation, Release, Rules,
};
use serde_json::{Value, json};

pub(crate) const FAR: &str = "2099-01-01T00:00:00Z";

struct Key {
    private: SigningKey,
    public: PublicKey,
}

impl Key {
    /// A key that follows from its name.
    fn new(name: &str) -> Self {
        let private = SigningKey::from_bytes(Sha256::of(name.as_bytes()).as_bytes());
        let public = PublicKey::ed25519(private.verifying_key().as_bytes(), Some(name)).unwrap();
        Self { private, public }
    }

    fn sign(&self, message: &[u8]) -> Value {
        let signature = self.private.sign(message).to_bytes();
        json!(Signature::new(self.public.key_id(), &signature))
    }
}

/// A repository in a folder, and who signs what in it.
pub(crate) struct Repository {
    pub(crate) folder: tempfile::TempDir,
    /// Which keys sign each delegated role.
    pub(crate) signers: BTreeMap<&'static str, Vec<&'static str>>,
    /// Which role names each document.
    pub(crate) named_by: BTreeMap<String, &'static str>,
    pub(crate) documents: BTreeMap<String, Vec<u8>>,
    pub(crate) timestamp_expires: &'static str,
    pub(crate) version: u64,
    pub(crate) root_version: u64,
}

impl Repository {
    /// `stable.json` with these releases, and no rules; published.
    pub(crate) fn new(releases: &[Release]) -> Self {
        let mut repository = Self {
            folder: tempfile::tempdir().unwrap(),
            signers: BTreeMap::from([
                ("stable", vec!["stable-1", "stable-2"]),
                ("beta", vec!["beta"]),
                ("enforcement", vec!["enforcement-1", "enforcement-2"]),
            ]),
            named_by: BTreeMap::new(),
            documents: BTreeMap::new(),
            timestamp_expires: FAR,
            version: 0,
            root_version: 1,
        };
        for folder in ["metadata", "targets"] {
            fs::create_dir(repository.folder.path().join(folder)).unwrap();
        }
        repository.publish_root();
        repository.set_stable(releases);
        repository.publish();
        repository
    }

    /// The same with a rule; published.
    pub(crate) fn with_rule(releases: &[Release], enforce_from: &str) -> Self {
        let mut repository = Self::new(releases);
        repository.set_rules(1, &rule(enforce_from), Vec::new());
        repository.publish();
        repository
    }

    pub(crate) fn set_stable(&mut self, releases: &[Release]) {
        self.set_document(
            "stable.json",
            "stable",
            manifest(releases).to_bytes().unwrap(),
        );
    }

    /// Rules with the minimums that follow from what is published on stable.
    pub(crate) fn set_rules(&mut self, revision: u64, rules: &str, relaxations: Vec<Relaxation>) {
        let stable = ChannelManifest::parse(
            &self.documents["stable.json"],
            &"stable".parse().unwrap(),
            &firstlayer_policy::Limits::default(),
        );
        let (rules, _) = Rules::parse(rules).unwrap().derive(&[stable.unwrap()]);
        let manifest = EnforcementManifest::new(revision, rules, relaxations).unwrap();
        let bytes = manifest.to_bytes().unwrap();
        self.set_document(EnforcementManifest::TARGET, "enforcement", bytes);
    }

    pub(crate) fn set_document(&mut self, name: &str, role: &'static str, bytes: Vec<u8>) {
        self.named_by.insert(name.to_owned(), role);
        self.documents.insert(name.to_owned(), bytes);
    }

    pub(crate) fn remove_document(&mut self, name: &str) {
        self.documents.remove(name);
    }

    /// The root from which a client starts.
    pub(crate) fn anchor(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("metadata/1.root.json")).unwrap()
    }

    /// The root of this version, by the keys that root has always had, with timestamp keys of its own.
    pub(crate) fn publish_root(&self) {
        let previous = (self.root_version > 1).then(|| root(self.root_version - 1));
        let draft = Draft::root(root(self.root_version), previous.as_ref()).unwrap();
        self.write_signed(draft, &["root-1", "root-2"]);
    }

    /// Publishes everything under its next version.
    pub(crate) fn publish(&mut self) {
        self.version += 1;
        let mut meta = BTreeMap::new();
        let delegations = delegations();
        let mut targets = self.role("targets");
        targets.delegations = Some(delegations.clone());
        let draft = Draft::targets(targets, &root(self.root_version)).unwrap();
        let file = self.write_signed(draft, &["targets"]);
        meta.insert(
            "targets".parse().unwrap(),
            MetaFile::of(self.version, &file),
        );
        for (role, signers) in &self.signers {
            let name = role.parse().unwrap();
            let delegator = "targets".parse().unwrap();
            let draft = Draft::delegated(&name, self.role(role), &delegator, &delegations);
            let file = self.write_signed(draft.unwrap(), signers);
            meta.insert(name, MetaFile::of(self.version, &file));
        }
        let snapshot = Snapshot::new(self.version, expires(FAR), meta);
        let draft = Draft::snapshot(snapshot, &root(self.root_version)).unwrap();
        let file = self.write_signed(draft, &["snapshot"]);
        let file = MetaFile::of(self.version, &file);
        let timestamp = Timestamp::new(self.version, expires(self.timestamp_expires), file);
        let draft = Draft::timestamp(timestamp, &root(self.root_version)).unwrap();
        let key = timestamp_key(self.root_version);
        self.write_signed(draft, &[&key]);
    }

    /// A copy of every file, to be put back later.
    pub(crate) fn recorded(&self) -> BTreeMap<String, Vec<u8>> {
        let read = |folder: &str| {
            let entries = fs::read_dir(self.folder.path().join(folder)).unwrap();
            let folder = folder.to_owned();
            entries.map(move |entry| {
                let entry = entry.unwrap();
                let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
                (name, fs::read(entry.path()).unwrap())
            })
        };
        read("metadata").chain(read("targets")).collect()
    }

    /// Serves what was recorded, and nothing else.
    pub(crate) fn play_back(&self, files: &BTreeMap<String, Vec<u8>>) {
        for name in self.recorded().keys() {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        for (name, bytes) in files {
            fs::write(self.folder.path().join(name), bytes).unwrap();
        }
    }

    fn role(&self, name: &str) -> Targets {
        let mut targets = Targets::new(self.version, expires(FAR));
        for (path, bytes) in &self.documents {
            if self.named_by[path] == name {
                let file = TargetFile::of(bytes);
                let place = format!("targets/{}.{path}", file.hashes.sha256().unwrap());
                fs::write(self.folder.path().join(place), bytes).unwrap();
                targets.targets.insert(path.parse().unwrap(), file);
            }
        }
        targets
    }

    /// With these signatures and no others, be they too few, or of keys that may not sign.
    fn write_signed<T: Role>(&self, draft: Draft<T>, signers: &[&str]) -> Vec<u8> {
        let signatures = signers
            .iter()
            .map(|name| Key::new(name).sign(draft.payload()));
        let mut file: Value = serde_json::from_slice(&draft.partly_signed()).unwrap();
        file["signatures"] = signatures.collect();
        let place = self.folder.path().join("metadata").join(draft.file_name());
        let bytes = serde_json::to_vec_pretty(&file).unwrap();
        fs::write(place, &bytes).unwrap();
        bytes
    }
}

fn expires(time: &str) -> Expires {
    time.parse().unwrap()
}

fn role_keys(threshold: u64, names: &[&str]) -> RoleKeys {
    let ids = names.iter().map(|name| Key::new(name).public.key_id());
    RoleKeys::new(threshold, ids.collect()).unwrap()
}

fn timestamp_key(root_version: u64) -> String {
    format!("timestamp-{root_version}")
}

fn root(version: u64) -> Root {
    let timestamp = timestamp_key(version);
    let names = [
        "root-1", "root-2", "root-3", "snapshot", "targets", &timestamp,
    ];
    let roles = RootRoles {
        root: role_keys(2, &["root-1", "root-2", "root-3"]),
        timestamp: role_keys(1, &[&timestamp]),
        snapshot: role_keys(1, &["snapshot"]),
        targets: role_keys(1, &["targets"]),
    };
    let keys = names.map(|name| Key::new(name).public);
    Root::new(version, expires(FAR), keys, roles)
}

/// As `keys/roles.toml` has it, but for stable, which may name the rules too: so a test can let the wrong role do it.
fn delegations() -> Delegations {
    let delegated = |name: &str, paths: &[&str], threshold, keys: &[&str]| DelegatedRole {
        name: name.parse().unwrap(),
        keys: role_keys(threshold, keys),
        terminating: false,
        paths: DelegatedPaths::Patterns(paths.iter().map(|path| PathPattern::new(*path)).collect()),
    };
    let stable = ["stable-1", "stable-2", "stable-3"];
    let enforcement = ["enforcement-1", "enforcement-2", "enforcement-3"];
    let roles = vec![
        delegated(
            "stable",
            &["stable.json", "stable-*", "enforcement.json"],
            2,
            &stable,
        ),
        delegated("beta", &["beta.json", "beta-*"], 1, &["beta"]),
        delegated("enforcement", &["enforcement.json"], 2, &enforcement),
    ];
    let names = stable.iter().chain(&enforcement).chain(&["beta"]);
    Delegations::new(names.map(|name| Key::new(name).public), roles).unwrap()
}

/// A release of stable for the first-mini that can do this.
pub(crate) fn release(version: &str, capabilities: &[&str]) -> Release {
    let sha256 = Sha256::of(version.as_bytes());
    Release {
        version: version.parse().unwrap(),
        board: "virt-armv7".parse().unwrap(),
        models: vec!["first-mini".parse().unwrap()],
        counter: Counter::new(1).unwrap(),
        built: "2020-01-02T03:04:05Z".parse().unwrap(),
        commit: None,
        bundle: BundleTarget {
            target: format!("stable-{version}-virt-armv7.bundle"),
            length: 1 << 20,
            sha256,
            manifest: ManifestDigest {
                length: 1000,
                sha256,
            },
        },
        capabilities: capabilities
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        evidence: (!capabilities.is_empty()).then(|| EvidenceTarget {
            target: format!("stable-{version}-virt-armv7.evidence.json"),
            length: 1000,
            sha256,
        }),
        floor: None,
        waves: Vec::new(),
        yanked: None,
    }
}

/// 1.2.0, which cannot fetch over HTTPS, and 1.4.0, which can.
pub(crate) fn releases() -> Vec<Release> {
    vec![release("1.2.0", &[]), release("1.4.0", &["https-transfer"])]
}

fn manifest(releases: &[Release]) -> ChannelManifest {
    ChannelManifest::new("stable".parse().unwrap(), releases.to_vec()).unwrap()
}

/// Cloud printing needs HTTPS from this time on.
pub(crate) fn rule(enforce_from: &str) -> String {
    format!(
        "[[rules]]\nname = \"https-only\"\ncapability = \"https-transfer\"\nwithholds = \"cloud-print\"\n\
         warn_from = \"2020-01-01T00:00:00Z\"\nenforce_from = \"{enforce_from}\"\n\
         reason = \"Model files went over the network unprotected.\"\nhelp = \"https://example.org/https\"\n"
    )
}
