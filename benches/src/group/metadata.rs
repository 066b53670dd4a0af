//! Refreshing the metadata and finding a bundle, against what no client can leave out: each signature verified once,
//! and each file hashed once. Parsing, canonical JSON and the store are what our side has besides.

use std::{collections::BTreeMap, convert::Infallible, fs, hint::black_box, path::Path};

use anyhow::{Context, ensure};
use ed25519_dalek::{Signature, VerifyingKey};
use firstlayer_bundle::Sha256;
use firstlayer_metadata::{Client, Limits, Local, Remote, TargetPath, canonical_json};
use firstlayer_tests::fixture::Fixture;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    bench::Bench,
    group::{Group, Measured, times},
    report::Row,
    repository::{publish_metadata, target_name},
    rounds::{in_turns, timed},
};

const RELEASES: u64 = 500;
/// Refreshes in a round: enough for the clock.
const REFRESHES: u32 = 10;
const ROLES: [&str; 5] = [
    "1.root.json",
    "timestamp.json",
    "1.snapshot.json",
    "1.targets.json",
    "1.stable.json",
];

type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let what = format!("{REFRESHES} refreshes with find_target, {RELEASES} releases");
    bench.rows(Group::Metadata, &what, || measure(bench, &what))
}

fn measure(bench: &Bench, what: &str) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    publish_metadata(folder.path(), RELEASES);
    let repository = Repository::read(folder.path())?;
    let bare = Bare::of(&repository.metadata)?;
    let peer = format!(
        "{REFRESHES} times {} signatures, sha256 of {} kB",
        bare.signatures.len(),
        bare.length() / 1000
    );
    let mut kept = Files::new();
    repository.ask(&mut kept)?;
    let mut limit = || repeated(|| bare.check());
    let mut cold = || repeated(|| repository.ask(&mut Files::new()));
    let mut warm = || repeated(|| repository.ask(&mut kept));
    let cold = in_turns(bench.rounds, [&mut cold, &mut limit])?;
    let warm = in_turns(bench.rounds, [&mut warm, &mut limit])?;
    Ok(vec![
        (format!("{what}, nothing stored"), times(&cold, &peer)?),
        (format!("{what}, all stored"), times(&warm, &peer)?),
    ])
}

fn repeated(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<crate::rounds::Cost> {
    Ok(timed(|| (0..REFRESHES).try_for_each(|_| work()))?.1)
}

/// A repository in memory, so that no file and no network is measured.
struct Repository {
    metadata: Files,
    newest: TargetPath,
    now: Timestamp,
}

struct Served<'a>(&'a Files);

struct Stored<'a>(&'a mut Files);

impl Repository {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut metadata = Files::new();
        for entry in fs::read_dir(folder.join("metadata")).context("reading the repository")? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            metadata.insert(name, fs::read(entry.path())?);
        }
        Ok(Self {
            metadata,
            newest: target_name(&format!("1.{RELEASES}.0")).parse()?,
            now: Timestamp::now(),
        })
    }

    /// As a printer does it: from the stored state to the newest bundle.
    fn ask(&self, stored: &mut Files) -> anyhow::Result<()> {
        let (remote, local) = (Served(&self.metadata), Stored(stored));
        let mut client = Client::new(remote, local, &Fixture::anchor(), Limits::default())?;
        client.refresh(self.now)?;
        let found = client.find_target(&self.newest)?;
        ensure!(found.is_some(), "the newest bundle was not found");
        Ok(())
    }
}

impl Remote for Served<'_> {
    type Error = Infallible;

    fn fetch(&mut self, file: &str, _limit: u64) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(file).cloned())
    }
}

impl Local for Stored<'_> {
    type Error = Infallible;

    fn load(&mut self, file: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(file).cloned())
    }

    fn store(&mut self, file: &str, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.insert(file.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, file: &str) -> Result<(), Infallible> {
        self.0.remove(file);
        Ok(())
    }
}

/// The bytes that have to be verified and hashed, with everything else done beforehand.
struct Bare {
    signatures: Vec<(VerifyingKey, Vec<u8>, Signature)>,
    files: Vec<Vec<u8>>,
}

impl Bare {
    fn of(metadata: &Files) -> anyhow::Result<Self> {
        let parse = |name: &&str| {
            let bytes = metadata.get(*name).with_context(|| format!("no {name}"))?;
            Ok(serde_json::from_slice(bytes)?)
        };
        let roles: Vec<Value> = ROLES.iter().map(parse).collect::<anyhow::Result<_>>()?;
        let mut signatures = Vec::new();
        for role in &roles {
            let message = canonical_json(&role["signed"])?;
            for signature in role["signatures"].as_array().into_iter().flatten() {
                let key = key(&roles, signature["keyid"].as_str().unwrap_or_default())?;
                let signature = signature["sig"].as_str().unwrap_or_default().parse()?;
                signatures.push((key, message.clone(), signature));
            }
        }
        ensure!(!signatures.is_empty(), "no signature to verify");
        let files = ROLES.iter().filter_map(|name| metadata.get(*name).cloned());
        Ok(Self {
            files: files.collect(),
            signatures,
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        for (key, message, signature) in &self.signatures {
            key.verify_strict(message, signature)?;
        }
        for file in &self.files {
            black_box(Sha256::of(file));
        }
        Ok(())
    }

    fn length(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }
}

/// A key by its id, from the root or from the delegations.
fn key(roles: &[Value], id: &str) -> anyhow::Result<VerifyingKey> {
    let lists = roles.iter().flat_map(|role| {
        let signed = &role["signed"];
        [signed.get("keys"), signed.pointer("/delegations/keys")]
    });
    let public = lists
        .flatten()
        .filter_map(|keys| keys.get(id)?.pointer("/keyval/public")?.as_str())
        .next()
        .with_context(|| format!("no key {id}"))?;
    // 64 hex digits, as a hash is.
    let bytes: Sha256 = public.parse()?;
    Ok(VerifyingKey::from_bytes(bytes.as_bytes())?)
}
