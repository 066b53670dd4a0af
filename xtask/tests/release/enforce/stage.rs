//! A repository with releases that were measured, a census, and rules: all of it as a test wants it.

mod parts;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::Result;
use camino::Utf8PathBuf;
use firstlayer_bundle::Sha256;
use firstlayer_metadata::author::Draft;
use firstlayer_metadata::{
    Expires, MetaFile, Role, Snapshot, TargetFile, TargetPath, Targets, Timestamp as FreshTimestamp,
};
use firstlayer_policy::{ChannelManifest, EvidenceTarget, Release, Wave};
use firstlayer_signers::{
    DEVELOPMENT_PASSPHRASE, KeyDirectory, KeyEnvironment, KeySource, Passphrase,
};
use jiff::SignedDuration;
use xtask::enforce::{
    self, Applied, Machine, Output, Place, Plan, Relax, Report, Request, Source, Standing, Terms,
    Trial, Tried,
};
use xtask::progress::Silent;
use xtask::release::{Environment, read_roles};
use xtask::repository::{Disk, Folder, RealDisk, State};

use crate::workshop::Workshop;
pub(super) use parts::evidence;
use parts::{Told, release};

/// The one rule of most tests.
pub(super) const RULE: &str = "https-transfer";
/// When it warns and enforces.
pub(super) const WARN: &str = "2026-06-15T00:00:00Z";
pub(super) const ENFORCE: &str = "2026-08-01T00:00:00Z";

/// The boards of the checkout with their models.
const BOARDS: [(&str, &str); 2] = [("virt-armv7", "first-mini"), ("virt-aarch64", "first-one")];

/// A repository, and everything that a plan depends on beside.
pub(super) struct Stage {
    pub(super) workshop: Workshop,
    pub(super) releases: Vec<Release>,
    /// What lies there as evidence, by target name.
    pub(super) evidence: BTreeMap<String, Vec<u8>>,
    pub(super) terms: Terms,
    pub(super) trial: Told,
}

impl Stage {
    /// 1.2.0 and 1.3.0 without the capability, 1.4.0 with it, a month old; a hundred printers, ninety of which have it.
    pub(super) fn new() -> Self {
        let mut stage = Self {
            workshop: Workshop::new(),
            releases: Vec::new(),
            evidence: BTreeMap::new(),
            terms: Terms {
                max_lockout: "100%".parse().unwrap(),
                ..Terms::default()
            },
            trial: Told::default(),
        };
        stage.workshop.release().unwrap();
        for (version, built) in [
            ("1.2.0", "2026-01-01T00:00:00Z"),
            ("1.3.0", "2026-02-01T00:00:00Z"),
            ("1.4.0", "2026-05-01T00:00:00Z"),
        ] {
            stage.add(
                version,
                built,
                if version == "1.4.0" { &[RULE] } else { &[] },
            );
        }
        stage.publish();
        stage.rules(WARN, ENFORCE);
        stage.census(&[
            ("1.4.0", "first-mini", "2026-05-31", 50),
            ("1.4.0", "first-one", "2026-05-31", 40),
            ("1.3.0", "first-mini", "2026-05-30", 4),
            ("1.3.0", "first-one", "2026-05-30", 3),
            ("1.2.0", "first-mini", "2026-05-30", 2),
            ("1.2.0", "first-mini", "2025-12-24", 1),
        ]);
        stage
    }

    /// A release for both boards, with what it was measured to do.
    pub(super) fn add(&mut self, version: &str, built: &str, capabilities: &[&str]) {
        for (board, model) in BOARDS {
            let mut release = release(version, built, board, model);
            if !capabilities.is_empty() {
                let evidence = evidence(&release, capabilities);
                self.attach(&mut release, evidence);
                release.capabilities = capabilities.iter().map(|c| c.parse().unwrap()).collect();
            }
            self.releases.push(release);
        }
    }

    /// Makes this the evidence of a release.
    pub(super) fn attach(&mut self, release: &mut Release, bytes: Vec<u8>) {
        let (channel, version, board) = (stable(), &release.version, &release.board);
        let target = Release::evidence_name(&channel, version, board);
        release.evidence = Some(EvidenceTarget {
            target: target.clone(),
            length: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
        });
        self.evidence.insert(target, bytes);
    }

    /// Other evidence for 1.4.0 for virt-armv7, given that release and the one before it; signs the channel anew.
    pub(super) fn attach_to_1_4(&mut self, bytes: impl FnOnce(&Release, &Release) -> Vec<u8>) {
        let before = self.release("1.3.0", "virt-armv7").clone();
        let mut release = self.release("1.4.0", "virt-armv7").clone();
        let bytes = bytes(&release, &before);
        self.attach(&mut release, bytes);
        *self.release("1.4.0", "virt-armv7") = release;
        self.publish();
    }

    /// Describes another board for first-minis, for which nothing is released.
    pub(super) fn describe_board(&self, name: &str) {
        let boards = self.workshop.root.join("firmware/boards");
        let board = fs::read_to_string(boards.join("virt-armv7.toml")).unwrap();
        let path = format!("firmware/boards/{name}.toml");
        self.workshop
            .write(&path, &board.replace("virt-armv7", name));
    }

    /// The release of this version for this board.
    pub(super) fn release(&mut self, version: &str, board: &str) -> &mut Release {
        let mut releases = self.releases.iter_mut();
        releases
            .find(|one| one.version.to_string() == version && one.board.as_str() == board)
            .unwrap()
    }

    /// Signs the channel anew with the releases and the evidence as they are now.
    pub(super) fn publish(&self) {
        let manifest = ChannelManifest::new(stable(), self.releases.clone()).unwrap();
        let mut files = self.evidence.clone();
        files.insert("stable.json".to_owned(), manifest.to_bytes().unwrap());
        self.sign("stable", files);
    }

    /// Signs a role anew, to name these files, and what lists it.
    pub(super) fn sign(&self, name: &str, files: BTreeMap<String, Vec<u8>>) {
        let folder = self.folder();
        let state = self.state();
        let mut targets: BTreeMap<TargetPath, TargetFile> = BTreeMap::new();
        for (name, bytes) in files {
            let path = folder
                .targets()
                .join(format!("{}.{name}", Sha256::of(&bytes)));
            targets.insert(name.parse().unwrap(), TargetFile::of(&bytes));
            fs::write(path, bytes).unwrap();
        }
        let expires = Expires::at(self.workshop.now + SignedDuration::from_hours(24 * 7));
        let version = state.targets(name).unwrap().version + 1;
        let mut role = Targets::new(version, expires);
        role.targets = targets;
        let top = "targets".parse().unwrap();
        let delegations = state
            .targets("targets")
            .unwrap()
            .delegations
            .as_ref()
            .unwrap();
        let draft = Draft::delegated(&name.parse().unwrap(), role, &top, delegations).unwrap();
        let bytes = self.finish(name, draft);
        let (root, snapshot) = (state.trusted().root(), state.trusted().snapshot().unwrap());
        let mut meta = snapshot.meta.clone();
        meta.insert(name.parse().unwrap(), MetaFile::of(version, &bytes));
        let version = snapshot.version + 1;
        let draft = Draft::snapshot(Snapshot::new(version, expires, meta), root).unwrap();
        let listed = MetaFile::of(version, &self.finish("snapshot", draft));
        let version = state.trusted().timestamp().unwrap().version + 1;
        let fresh = FreshTimestamp::new(version, expires, listed);
        self.finish("timestamp", Draft::timestamp(fresh, root).unwrap());
    }

    fn finish<T: Role>(&self, role: &str, mut draft: Draft<T>) -> Vec<u8> {
        let roles = read_roles(&self.workshop.checkout(), Environment::Development).unwrap();
        let config = roles.role(role).unwrap();
        let directory = KeyDirectory::new(self.workshop.keys().as_std_path());
        let passphrase = Some(Passphrase::new(DEVELOPMENT_PASSPHRASE.to_owned()));
        let keys = KeySource::new(KeyEnvironment::default(), directory, passphrase);
        for name in config.keys.iter().take(config.threshold) {
            draft.sign_with(&keys.signer(name).unwrap()).unwrap();
        }
        let name = draft.file_name();
        let bytes = draft.finish().unwrap();
        let metadata = self.workshop.repository().join("metadata");
        fs::write(metadata.join(name), &bytes).unwrap();
        bytes
    }

    pub(super) fn state(&self) -> State {
        let anchor = fs::read(self.workshop.keys().join("root.json")).unwrap();
        State::read(&self.folder(), &anchor).unwrap()
    }

    /// The rule with these dates.
    pub(super) fn rules(&self, warn_from: &str, enforce_from: &str) {
        self.rules_with(warn_from, enforce_from, "");
    }

    /// The rule with these dates and lines more.
    pub(super) fn rules_with(&self, warn_from: &str, enforce_from: &str, more: &str) {
        let text = format!(
            "[[rules]]\nname = \"{RULE}\"\ncapability = \"{RULE}\"\nwithholds = \"cloud-print\"\n\
             warn_from = \"{warn_from}\"\nenforce_from = \"{enforce_from}\"\n\
             reason = \"Files must not cross the network in clear text.\"\n\
             help = \"https://help.example/{RULE}\"\n{more}\n"
        );
        self.workshop.write("manifests/enforcement.toml", &text);
    }

    /// Printers: version, model, when they were last seen, how many.
    pub(super) fn census(&self, printers: &[(&str, &str, &str, usize)]) {
        let mut text = "serial,model,version,channel,region,last_seen\n".to_owned();
        let mut serial = 0;
        for (version, model, seen, count) in printers {
            for _ in 0..*count {
                serial += 1;
                let region = ["eu", "us"][serial % 2];
                writeln!(
                    text,
                    "P{serial:06},{model},{version},stable,{region},{seen}T12:00:00Z"
                )
                .unwrap();
            }
        }
        self.workshop.write("census.csv", &text);
    }

    pub(super) fn request(&self) -> Request {
        Request {
            census: Source::File(self.workshop.root.join("census.csv")),
            place: self.place(),
            terms: self.terms.clone(),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place::new(
            &self.workshop.checkout(),
            Environment::Development,
            None,
            None,
        )
    }

    pub(super) fn folder(&self) -> Folder {
        Folder::new(self.workshop.repository())
    }

    /// Where the private key of this name lies.
    pub(super) fn key(&self, name: &str) -> Utf8PathBuf {
        let keys = self.workshop.keys();
        keys.join(format!("development-{name}.pem"))
    }

    /// Where a signed target lies.
    pub(super) fn stored(&self, name: &str) -> Utf8PathBuf {
        let role = name.split(['.', '-']).next().unwrap();
        let state = self.state();
        let targets = &state.targets(role).unwrap().targets;
        let mut targets = targets.iter();
        let (_, file) = targets.find(|(path, _)| path.as_str() == name).unwrap();
        let hash = file.hashes.sha256().unwrap();
        self.folder().targets().join(format!("{hash}.{name}"))
    }

    pub(super) fn plan_path(&self) -> Utf8PathBuf {
        enforce::plan_file(&self.workshop.checkout())
    }

    pub(super) fn machine<'a>(&'a self, disk: &'a dyn Disk) -> Machine<'a> {
        self.trying(&self.trial, disk)
    }

    /// A machine that tries firmware in this way.
    pub(super) fn trying<'a>(&'a self, trial: &'a dyn Trial, disk: &'a dyn Disk) -> Machine<'a> {
        Machine {
            now: self.workshop.now,
            trial,
            disk,
            progress: &Silent,
        }
    }

    pub(super) fn try_plan(&self) -> Result<Report> {
        let output = Output {
            plan: self.plan_path(),
            page: Some(self.workshop.root.join("plan.html")),
        };
        let checkout = self.workshop.checkout();
        enforce::plan(
            &checkout,
            &self.request(),
            &output,
            &self.machine(&RealDisk),
        )
    }

    pub(super) fn plan(&self) -> Plan {
        self.try_plan().unwrap().plan
    }

    pub(super) fn apply(&self) -> Result<Applied> {
        self.apply_on(&RealDisk)
    }

    pub(super) fn apply_on(&self, disk: &dyn Disk) -> Result<Applied> {
        let checkout = self.workshop.checkout();
        enforce::apply(
            &checkout,
            &self.request(),
            &self.plan_path(),
            &self.machine(disk),
        )
    }

    /// Plans and applies what nothing speaks against.
    pub(super) fn put_in_force(&self) -> Applied {
        let plan = self.plan();
        assert_eq!(plan.refusals, []);
        self.apply().unwrap()
    }

    pub(super) fn withdraw(&self, why: &str, postpone: Option<&str>) -> Result<Applied> {
        let postpone = postpone.map(|time| time.parse().unwrap());
        let (checkout, rule) = (self.workshop.checkout(), RULE.parse().unwrap());
        let machine = self.machine(&RealDisk);
        enforce::withdraw(&checkout, &self.place(), &rule, why, postpone, &machine)
    }

    pub(super) fn status(&self) -> Standing {
        let (checkout, repository) = (self.workshop.checkout(), self.workshop.repository());
        enforce::status(&checkout, &repository, None, self.workshop.now).unwrap()
    }

    /// What comes of trying this version.
    pub(super) fn trial_of(&mut self, version: &str, outcome: Tried) {
        self.trial.outcomes.insert(version.to_owned(), outcome);
    }

    /// Rolls a version out in these waves, and signs the channel anew.
    pub(super) fn roll_out(&mut self, version: &str, waves: &[(&str, u8)]) {
        for (board, _) in BOARDS {
            self.release(version, board).waves = waves
                .iter()
                .map(|(starts, percent)| Wave {
                    starts: starts.parse().unwrap(),
                    percent: *percent,
                })
                .collect();
        }
        self.publish();
    }

    pub(super) fn relax(&mut self, why: &str) {
        self.terms.relax = vec![Relax {
            rule: RULE.parse().unwrap(),
            why: why.to_owned(),
        }];
    }
}

pub(super) fn stable() -> firstlayer_policy::Channel {
    "stable".parse().unwrap()
}
