//! Repositories made for a test: honest ones by default, and wrong in exactly the way that a test asks for.
//!
//! They are written as JSON and signed here, and not by the project's own authoring code, which rightly refuses to make
//! most of them.

mod bundle;
mod key;
mod roles;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use firstlayer_bundle::Sha256;
use semver::Version;
use serde_json::{Value, json};

use crate::printer::{BUILT, release_file};

pub use bundle::{Bundle, Contents, entry};
pub use key::{Key, envelope};
pub use roles::{EXPIRED, expires, keys_of, role_keys};

/// The repository's files by their path in it.
pub type Files = BTreeMap<String, Vec<u8>>;
type Edit<T> = Rc<dyn Fn(&mut T)>;

/// A repository with one channel, `stable`, for one board.
#[derive(Clone)]
pub struct Fixture {
    board: BoardUnderTest,
    publisher: &'static str,
    version: u64,
    versions: BTreeMap<String, u64>,
    roots: Vec<Value>,
    releases: Vec<Contents>,
    rules: Option<(u64, String)>,
    signers: BTreeMap<String, Vec<Key>>,
    signed: Vec<(String, Edit<Value>)>,
    enveloped: Vec<(String, Edit<Value>)>,
    bundled: Vec<Edit<Bundle>>,
    finally: Vec<Edit<Files>>,
}

/// A reference board and the one model it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardUnderTest {
    /// Its name.
    pub name: &'static str,
    /// Its model.
    pub model: &'static str,
}

/// Both reference boards.
pub const BOARDS: [BoardUnderTest; 2] = [
    BoardUnderTest {
        name: "virt-aarch64",
        model: "first-one",
    },
    BoardUnderTest {
        name: "virt-armv7",
        model: "first-mini",
    },
];

impl Fixture {
    /// A repository without releases; all metadata but root at version 1.
    pub fn new(board: BoardUnderTest) -> Self {
        Self {
            board,
            publisher: "stable",
            version: 1,
            versions: BTreeMap::new(),
            roots: vec![envelope(&roles::root(), &keys_of("root"))],
            releases: Vec::new(),
            rules: None,
            signers: BTreeMap::new(),
            signed: Vec::new(),
            enveloped: Vec::new(),
            bundled: Vec::new(),
            finally: Vec::new(),
        }
    }

    /// Adds a release with an image of a few frames: a root tree that says which release it is.
    pub fn release(self, version: &str) -> Self {
        self.release_with_noise(version, 20_000, 4096)
    }

    /// Adds a release whose image is `length` bytes longer than what an image must hold.
    pub fn release_with_noise(self, version: &str, length: usize, frame_length: u64) -> Self {
        let identity = release_file(self.board, version, self.next_counter(), BUILT);
        let image = [
            entry("usr/share/printerd/release.json", &identity, |_| {}),
            entry("usr/share/printerd/root.json", &Self::anchor(), |_| {}),
            entry("usr/share/noise", &noise(version, length), |_| {}),
            vec![0; 1024],
        ];
        self.release_of(version, image.concat(), frame_length)
    }

    /// Adds a release with this image. Its counter is its place among the releases.
    pub fn release_of(mut self, version: &str, image: Vec<u8>, frame_length: u64) -> Self {
        let contents = Contents {
            board: self.board.name.parse().expect("a board"),
            model: self.board.model.parse().expect("a model"),
            version: Version::parse(version).expect("a version"),
            counter: self.next_counter(),
            image,
            frame_length,
            capabilities: Vec::new(),
        };
        self.releases.push(contents);
        self
    }

    /// Changes the last release before its bundle is made.
    pub fn contents(mut self, edit: impl Fn(&mut Contents)) -> Self {
        edit(self.releases.last_mut().expect("a release"));
        self
    }

    /// The last release was measured to have these capabilities.
    pub fn able(self, capabilities: &[&str]) -> Self {
        let names: Vec<String> = capabilities.iter().map(|&name| name.to_owned()).collect();
        self.contents(move |contents| contents.capabilities.clone_from(&names))
    }

    /// Publishes these rules (as `manifests/enforcement.toml` has them) as this revision, with the minimums that follow
    /// from the releases.
    pub fn enforcing(mut self, revision: u64, rules: &str) -> Self {
        self.rules = Some((revision, rules.to_owned()));
        self
    }

    /// Sets the version of all metadata but root.
    pub fn at_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Sets the version of one role.
    pub fn role_at(mut self, role: &str, version: u64) -> Self {
        self.versions.insert(role.to_owned(), version);
        self
    }

    /// Has another delegated role list the targets, and `stable` none.
    pub fn published_by(mut self, role: &'static str) -> Self {
        self.publisher = role;
        self
    }

    /// Adds the next root: the last one, changed, and signed by these keys.
    pub fn rotate(mut self, keys: &[Key], edit: impl Fn(&mut Value)) -> Self {
        let mut root = self.roots.last().expect("a first root")["signed"].clone();
        root["version"] = json!(self.roots.len() + 1);
        edit(&mut root);
        self.roots.push(envelope(&root, keys));
        self
    }

    /// Has a role signed by these keys in place of its own.
    pub fn signed_by(mut self, role: &str, keys: impl Into<Vec<Key>>) -> Self {
        self.signers.insert(role.to_owned(), keys.into());
        self
    }

    /// Changes what a role says before it is signed; `stable.json` is the channel manifest.
    pub fn say(mut self, role: &str, edit: impl Fn(&mut Value) + 'static) -> Self {
        self.signed.push((role.to_owned(), Rc::new(edit)));
        self
    }

    /// Changes a signed role; what vouches for it vouches for the changed one.
    pub fn envelope(mut self, role: &str, edit: impl Fn(&mut Value) + 'static) -> Self {
        self.enveloped.push((role.to_owned(), Rc::new(edit)));
        self
    }

    /// Changes every bundle; what vouches for it vouches for the changed one.
    pub fn bundle(mut self, edit: impl Fn(&mut Bundle) + 'static) -> Self {
        self.bundled.push(Rc::new(edit));
        self
    }

    /// Changes files as they are served: nothing vouches for the change.
    pub fn finally(mut self, edit: impl Fn(&mut Files) + 'static) -> Self {
        self.finally.push(Rc::new(edit));
        self
    }

    /// Changes the served bytes of the only file whose path ends so.
    pub fn tamper(self, end: &'static str, edit: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.finally(move |files| {
            let mut matching = files.iter_mut().filter(|(path, _)| path.ends_with(end));
            edit(
                matching
                    .next()
                    .unwrap_or_else(|| panic!("no file *{end}"))
                    .1,
            );
        })
    }

    /// The trust anchor: the first root.
    pub fn anchor() -> Vec<u8> {
        bytes(&envelope(&roles::root(), &keys_of("root")))
    }

    /// The image of the last release.
    pub fn image(&self) -> &[u8] {
        &self.releases.last().expect("a release").image
    }

    /// Writes the repository into a folder, in place of what was there.
    pub fn publish(&self, folder: &Path) {
        for place in ["metadata", "targets"] {
            let _ = std::fs::remove_dir_all(folder.join(place));
        }
        self.publish_over(folder);
    }

    /// The same beside what was there, for clients that are in the middle of it: the timestamp is renamed into place last.
    pub fn publish_over(&self, folder: &Path) {
        let write = |path: &str, bytes: &[u8]| {
            let path = folder.join(path);
            let temporary = path.with_extension("new");
            std::fs::create_dir_all(path.parent().expect("in a folder")).expect("making a folder");
            std::fs::write(&temporary, bytes).expect("writing a fixture");
            std::fs::rename(temporary, path).expect("renaming a fixture");
        };
        let mut files = self.files();
        let timestamp = files.remove("metadata/timestamp.json");
        files.iter().for_each(|(path, bytes)| write(path, bytes));
        if let Some(timestamp) = timestamp {
            write("metadata/timestamp.json", &timestamp);
        }
    }

    fn next_counter(&self) -> u64 {
        10 + self.releases.len() as u64
    }

    fn files(&self) -> Files {
        let mut files = Files::new();
        let targets = self.stable_targets(&mut files);
        let rules = self.rules_target(&targets, &mut files);
        let mut meta = serde_json::Map::new();
        let mut list = |role: &str, entry: Value| meta.insert(format!("{role}.json"), entry);
        for role in ["stable", "beta", "enforcement"] {
            let listed = match role {
                "enforcement" => &rules,
                role if role == self.publisher => &targets,
                _ => &json!({}),
            };
            list(role, self.sign(role, roles::targets(listed), &mut files));
        }
        list(
            "targets",
            self.sign("targets", roles::delegating(), &mut files),
        );
        let snapshot = self.sign("snapshot", roles::snapshot(&meta.into()), &mut files);
        self.sign("timestamp", roles::timestamp(&snapshot), &mut files);
        for (index, root) in self.roots.iter().enumerate() {
            files.insert(format!("metadata/{}.root.json", index + 1), bytes(root));
        }
        self.finally.iter().for_each(|edit| edit(&mut files));
        files
    }

    /// Makes the bundles and the channel manifest; gives what the stable role says of them.
    fn stable_targets(&self, files: &mut Files) -> Value {
        let (mut targets, mut releases) = (json!({}), Vec::new());
        let mut add = |name: &str, bytes: Vec<u8>| add_target(&mut targets, name, bytes, files);
        for contents in &self.releases {
            let mut bundle = Bundle::of(contents);
            self.bundled.iter().for_each(|edit| edit(&mut bundle));
            let release = roles::release(contents, &bundle);
            add(
                release["bundle"]["target"].as_str().expect("a name"),
                bundle.bytes(),
            );
            if let Some(evidence) = release["evidence"]["target"].as_str() {
                add(evidence, roles::EVIDENCE.to_vec());
            }
            releases.push(release);
        }
        let mut channel = json!({"format": 1, "channel": "stable", "releases": releases});
        self.edit(&self.signed, "stable.json", &mut channel);
        add("stable.json", bytes(&channel));
        targets
    }

    /// Makes the rules; gives what the enforcement role says of them.
    fn rules_target(&self, stable: &Value, files: &mut Files) -> Value {
        let mut targets = json!({});
        if let Some((revision, rules)) = &self.rules {
            let sha256 = &stable["stable.json"]["hashes"]["sha256"];
            let channel = format!("targets/{}.stable.json", sha256.as_str().expect("a hash"));
            let manifest = roles::enforcement(*revision, rules, &files[&channel]);
            add_target(&mut targets, "enforcement.json", manifest, files);
        }
        targets
    }

    /// Signs a role into `files`; gives the entry that vouches for it.
    fn sign(&self, role: &str, mut said: Value, files: &mut Files) -> Value {
        let version = self.versions.get(role).copied().unwrap_or(self.version);
        said["version"] = json!(version);
        self.edit(&self.signed, role, &mut said);
        let keys = self
            .signers
            .get(role)
            .cloned()
            .unwrap_or_else(|| keys_of(role));
        let mut file = envelope(&said, &keys);
        self.edit(&self.enveloped, role, &mut file);
        let bytes = bytes(&file);
        let vouched = json!({"version": version, "length": bytes.len(), "hashes": {"sha256": Sha256::of(&bytes)}});
        let name = if role == "timestamp" {
            String::new()
        } else {
            format!("{version}.")
        };
        files.insert(format!("metadata/{name}{role}.json"), bytes);
        vouched
    }

    fn edit(&self, edits: &[(String, Edit<Value>)], what: &str, value: &mut Value) {
        let edits = edits.iter().filter(|(name, _)| name == what);
        edits.for_each(|(_, edit)| edit(value));
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fixture")
            .field("board", &self.board)
            .finish_non_exhaustive()
    }
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: &str, length: usize) -> Vec<u8> {
    let block = |index: usize| *Sha256::of(format!("{seed} {index}").as_bytes()).as_bytes();
    (0..length.div_ceil(32))
        .flat_map(block)
        .take(length)
        .collect()
}

fn add_target(targets: &mut Value, name: &str, bytes: Vec<u8>, files: &mut Files) {
    let sha256 = Sha256::of(&bytes);
    targets[name] = json!({"length": bytes.len(), "hashes": {"sha256": sha256}});
    files.insert(format!("targets/{sha256}.{name}"), bytes);
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}
