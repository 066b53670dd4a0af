//! A repository in a folder, signed by keys made from their names: what a release publishes, in a few lines.
//! Shared with the bench, and with the tests of `printerd`, which use parts of it.

#![allow(dead_code)]

use std::{collections::BTreeMap, fs, io::Cursor, path::Path};

use ed25519_dalek::{Signer, SigningKey};
use firstlayer_bundle::{Counter, Identity, ManifestDigest, Options, PayloadSource, Sha256, write};
use firstlayer_metadata::{
    DelegatedPaths, DelegatedRole, Delegations, Expires, MetaFile, PathPattern, PublicKey, Role,
    RoleKeys, RoleName, Root, RootRoles, Sign, SignError, Signature, Snapshot, TargetFile, Targets,
    Timestamp, author::Draft,
};
use firstlayer_policy::{BundleTarget, ChannelManifest, Release};

/// A folder with a published repository, and what it takes to publish again.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    pub(crate) releases: Vec<Release>,
    pub(crate) expires: jiff::Timestamp,
    /// Raw bytes of a frame.
    pub(crate) frame_length: u64,
    /// Who signs the bundles, in place of `stable`.
    pub(crate) bundles_signed_by: &'static str,
    version: u64,
}

struct Key {
    secret: SigningKey,
    public: PublicKey,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            releases: Vec::new(),
            expires: "2027-01-01T00:00:00Z".parse().unwrap(),
            frame_length: 4096,
            bundles_signed_by: "stable",
            version: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn trust_anchor(&self) -> Vec<u8> {
        signed(Draft::root(root(self.expires), None).unwrap(), "root")
    }

    /// A root as a developer's machine makes it.
    pub(crate) fn development_anchor(&self) -> Vec<u8> {
        let keys = ["root", "timestamp", "snapshot", "targets"]
            .map(|role| Key::named(role, "development"));
        let mut draft = Draft::root(root_of(keys, self.expires), None).unwrap();
        draft.sign_with(&Key::named("root", "development")).unwrap();
        draft.finish().unwrap()
    }

    /// Adds a release, and publishes.
    pub(crate) fn release(&mut self, version: &str, counter: u64, image: &[u8]) -> Release {
        self.release_as(version, version, counter, image)
    }

    /// Adds a release whose bundle says that it is `inside`.
    pub(crate) fn release_as(
        &mut self,
        version: &str,
        inside: &str,
        counter: u64,
        image: &[u8],
    ) -> Release {
        self.add(version, inside, counter, image, |_, _| {})
    }

    /// Adds a release whose bundle is changed before it is signed, and the digest of its manifest with it.
    pub(crate) fn release_changed(
        &mut self,
        version: &str,
        counter: u64,
        image: &[u8],
        change: impl FnOnce(&mut Vec<u8>, &mut ManifestDigest),
    ) -> Release {
        self.add(version, version, counter, image, change)
    }

    fn add(
        &mut self,
        version: &str,
        inside: &str,
        counter: u64,
        image: &[u8],
        change: impl FnOnce(&mut Vec<u8>, &mut ManifestDigest),
    ) -> Release {
        let identity = Identity {
            board: "virt-armv7".parse().unwrap(),
            models: vec!["first-mini".parse().unwrap()],
            version: inside.parse().unwrap(),
            counter: Counter::new(counter).unwrap(),
        };
        let (mut bundle, mut digest) = bundle(identity, image, self.frame_length);
        change(&mut bundle, &mut digest);
        let target = format!("stable-{version}-virt-armv7.bundle");
        let sha256 = Sha256::of(&bundle);
        self.put(&format!("targets/{sha256}.{target}"), &bundle);
        let release = Release {
            version: version.parse().unwrap(),
            board: "virt-armv7".parse().unwrap(),
            models: vec!["first-mini".parse().unwrap()],
            counter: Counter::new(counter).unwrap(),
            built: "2026-01-01T00:00:00Z".parse().unwrap(),
            commit: None,
            bundle: BundleTarget {
                target,
                length: bundle.len() as u64,
                sha256,
                manifest: digest,
            },
            capabilities: Default::default(),
            evidence: None,
            floor: None,
            waves: Vec::new(),
            yanked: None,
        };
        self.releases.push(release.clone());
        self.publish();
        release
    }

    /// Where a release's bundle lies.
    pub(crate) fn bundle_path(&self, release: &Release) -> String {
        format!(
            "targets/{}.{}",
            release.bundle.sha256, release.bundle.target
        )
    }

    /// Signs everything anew, one version higher.
    pub(crate) fn publish(&mut self) {
        self.version += 1;
        let (version, expires) = (self.version, Expires::at(self.expires));
        let root = root(self.expires);
        let manifest =
            ChannelManifest::new("stable".parse().unwrap(), self.releases.clone()).unwrap();
        let manifest = manifest.to_bytes().unwrap();
        self.put(
            &format!("targets/{}.stable.json", Sha256::of(&manifest)),
            &manifest,
        );
        let mut of: BTreeMap<&str, Targets> = ["stable", "beta"]
            .map(|role| (role, Targets::new(version, expires)))
            .into();
        of.get_mut("stable")
            .unwrap()
            .targets
            .insert("stable.json".parse().unwrap(), TargetFile::of(&manifest));
        for release in &self.releases {
            let bundle = fs::read(self.path().join(self.bundle_path(release))).unwrap();
            let role = of.get_mut(self.bundles_signed_by).unwrap();
            role.targets.insert(
                release.bundle.target.parse().unwrap(),
                TargetFile::of(&bundle),
            );
        }
        let delegations = delegations(self.bundles_signed_by);
        let mut meta = BTreeMap::new();
        for (role, content) in of {
            let draft =
                Draft::delegated(&name(role), content, &name("targets"), &delegations).unwrap();
            meta.insert(name(role), self.put_versioned(draft, role));
        }
        let mut targets = Targets::new(version, expires);
        targets.delegations = Some(delegations);
        let targets = Draft::targets(targets, &root).unwrap();
        meta.insert(name("targets"), self.put_versioned(targets, "targets"));
        let snapshot = Draft::snapshot(Snapshot::new(version, expires, meta), &root).unwrap();
        let snapshot = self.put_versioned(snapshot, "snapshot");
        let timestamp =
            Draft::timestamp(Timestamp::new(version, expires, snapshot), &root).unwrap();
        self.put("metadata/timestamp.json", &signed(timestamp, "timestamp"));
        self.put("metadata/1.root.json", &self.trust_anchor());
    }

    fn put_versioned<T: Role>(&self, draft: Draft<T>, key: &str) -> MetaFile {
        let path = format!("metadata/{}", draft.file_name());
        let bytes = signed(draft, key);
        self.put(&path, &bytes);
        MetaFile::of(self.version, &bytes)
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// An image of so many bytes, another one for each `seed`; half of it compresses.
pub(crate) fn image(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(random().to_le_bytes().map(|byte| byte & 0x0f));
    }
    bytes.truncate(length);
    bytes
}

fn bundle(identity: Identity, image: &[u8], frame_length: u64) -> (Vec<u8>, ManifestDigest) {
    let mut bundle = Vec::new();
    let name = "root".parse().unwrap();
    let payload = PayloadSource {
        name,
        length: image.len() as u64,
        reader: Box::new(image),
    };
    let options = Options {
        level: 3,
        frame_length,
        ..Options::default()
    };
    let written = write(
        identity,
        vec![payload],
        &mut Cursor::new(Vec::new()),
        &mut bundle,
        &options,
    )
    .unwrap();
    (bundle, written.digest)
}

fn root(expires: jiff::Timestamp) -> Root {
    root_of(
        ["root", "timestamp", "snapshot", "targets"].map(Key::of),
        expires,
    )
}

fn root_of(keys: [Key; 4], expires: jiff::Timestamp) -> Root {
    let keys = keys.map(|key| key.public);
    let [root, timestamp, snapshot, targets] = keys
        .each_ref()
        .map(|key| RoleKeys::new(1, vec![key.key_id()]).unwrap());
    Root::new(
        1,
        Expires::at(expires),
        keys,
        RootRoles {
            root,
            timestamp,
            snapshot,
            targets,
        },
    )
}

/// Bundles of stable are stable's, unless a test gives them away.
fn delegations(bundles: &str) -> Delegations {
    let delegate = |role: &str, paths: &[&str]| DelegatedRole {
        name: name(role),
        keys: RoleKeys::new(1, vec![Key::of(role).public.key_id()]).unwrap(),
        terminating: true,
        paths: DelegatedPaths::Patterns(paths.iter().map(|path| PathPattern::new(*path)).collect()),
    };
    let roles = match bundles {
        "stable" => vec![
            delegate("stable", &["stable.json", "stable-*"]),
            delegate("beta", &["beta-*"]),
        ],
        _ => vec![
            delegate("stable", &["stable.json"]),
            delegate("beta", &["stable-*"]),
        ],
    };
    Delegations::new(["stable", "beta"].map(|role| Key::of(role).public), roles).unwrap()
}

fn name(role: &str) -> RoleName {
    role.parse().unwrap()
}

fn signed<T: Role>(mut draft: Draft<T>, key: &str) -> Vec<u8> {
    draft.sign_with(&Key::of(key)).unwrap();
    draft.finish().unwrap()
}

impl Key {
    fn of(role: &str) -> Self {
        Self::named(role, "test")
    }

    /// A key of the same secret under another name is another key.
    fn named(role: &str, prefix: &str) -> Self {
        let secret = SigningKey::from_bytes(Sha256::of(role.as_bytes()).as_bytes());
        let public = PublicKey::ed25519(
            secret.verifying_key().as_bytes(),
            Some(&format!("{prefix}-{role}")),
        )
        .unwrap();
        Self { secret, public }
    }
}

impl Sign for Key {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature::new(
            self.public.key_id(),
            &self.secret.sign(message).to_bytes(),
        ))
    }
}
