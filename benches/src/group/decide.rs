//! A million decisions about printers, on one core, against what none of them can leave out: its minimum looked up by
//! channel and model, and its version compared with that.

use std::{collections::HashMap, hint::black_box};

use anyhow::ensure;
use firstlayer_bundle::{Counter, ManifestDigest, Model, Sha256};
use firstlayer_policy::{
    BundleTarget, Channel, ChannelManifest, EnforcementManifest, EvidenceTarget, Facts, Policy,
    Release, Report, Rules, Verdict,
};
use jiff::Timestamp;
use semver::Version;

use crate::{
    bench::Bench,
    group::{Group, Measured, times},
    report::{Amount, Bound, Figure, Row},
    rounds::{Cost, in_turns, spread, timed},
};

const DECISIONS: usize = 1_000_000;
/// Decisions a second on a core.
const WANTED: f64 = 1e6;
const RELEASES: u64 = 200;
/// Releases from this one on can do what is required.
const ABLE: u64 = 120;
const MODELS: [&str; 4] = ["first-one", "first-mini", "first-max", "first-two"];

const RULES: &str = r#"
[[rules]]
name = "https-files"
capability = "https-transfer"
withholds = "cloud-print"
warn_from = "2026-01-01T00:00:00Z"
enforce_from = "2026-02-01T00:00:00Z"
reason = "model files travel over HTTPS only"
help = "https://help.firstlayer.example/https"

[[rules]]
name = "control"
capability = "cloud-mqtts"
withholds = "cloud-print"
warn_from = "2026-01-01T00:00:00Z"
enforce_from = "2027-02-01T00:00:00Z"
reason = "control travels over TLS only"
help = "https://help.firstlayer.example/control"
"#;

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let what = format!("{DECISIONS} decisions, 2 rules, {RELEASES} releases");
    bench.rows(Group::Decide, &what, || measure(bench, &what))
}

fn measure(bench: &Bench, what: &str) -> anyhow::Result<Vec<Measured>> {
    let channel: Channel = "stable".parse()?;
    let fleet = Fleet::new(channel)?;
    let now: Timestamp = "2026-11-26T00:00:00Z".parse()?;
    let bare = fleet.minimums();
    let mut decide = || Ok(timed(|| fleet.decide(now))?.1);
    let mut look_up = || Ok(timed(|| fleet.look_up(&bare))?.1);
    let rounds = in_turns(bench.rounds, [&mut decide, &mut look_up])?;
    let peer = format!("{DECISIONS} look-ups in a hash map, and comparisons of versions");
    Ok(vec![
        (what.to_owned(), times(&rounds, &peer)?),
        (format!("{what}, a second"), wanted(&rounds)?),
    ])
}

fn wanted(rounds: &[[Cost; 2]]) -> anyhow::Result<Figure> {
    let rates = || {
        let walls = rounds.iter().map(|[ours, _]| ours.wall);
        walls.map(|wall| DECISIONS as f64 / wall)
    };
    let figure = Figure::new(
        Amount::PerSecond(spread(rates())?.median),
        Amount::PerSecond(WANTED),
        "wanted",
        spread(rates().map(|rate| rate / WANTED))?,
    );
    Ok(figure.needs(Bound::AtLeast(1.0)))
}

/// Printers of each model with each version, and the policy about them.
struct Fleet {
    channel: Channel,
    policy: Policy,
    printers: Vec<(Model, Version)>,
}

impl Fleet {
    fn new(channel: Channel) -> anyhow::Result<Self> {
        let releases = (0..RELEASES)
            .flat_map(|number| MODELS.map(|model| release(&channel, number, model)))
            .collect::<anyhow::Result<_>>()?;
        let channels = [ChannelManifest::new(channel.clone(), releases)?];
        let (rules, uncovered) = Rules::parse(RULES)?.derive(&channels);
        ensure!(uncovered.is_empty(), "a rule has no release to go to");
        let policy = Policy::new(&channels, EnforcementManifest::new(1, rules, Vec::new())?);
        let mut printers = Vec::new();
        for number in 0..RELEASES {
            for model in MODELS {
                printers.push((model.parse()?, Version::new(1, number, 0)));
            }
        }
        Ok(Self {
            channel,
            policy,
            printers,
        })
    }

    fn decide(&self, now: Timestamp) -> anyhow::Result<()> {
        let mut refused = 0;
        for (model, version) in self.printers.iter().cycle().take(DECISIONS) {
            let ruling = self.policy.decide(
                &Facts {
                    channel: &self.channel,
                    model,
                    board: None,
                    version,
                    report: Report::Claimed,
                },
                now,
            );
            refused += u64::from(black_box(ruling).verdict == Verdict::UpdateRequired);
        }
        ensure!(refused > 0, "nobody was refused");
        Ok(())
    }

    fn minimums(&self) -> HashMap<(Channel, Model), Version> {
        let rules = self.policy.enforcement().rules().iter();
        let minimums = rules.flat_map(|rule| &rule.minimums);
        minimums
            .map(|minimum| {
                let key = (minimum.channel.clone(), minimum.model.clone());
                (key, minimum.version.clone())
            })
            .collect()
    }

    fn look_up(&self, minimums: &HashMap<(Channel, Model), Version>) -> anyhow::Result<()> {
        let mut refused = 0;
        let mut key = (self.channel.clone(), MODELS[0].parse::<Model>()?);
        for (model, version) in self.printers.iter().cycle().take(DECISIONS) {
            key.1.clone_from(model);
            refused += u64::from(minimums.get(black_box(&key)).is_some_and(|m| version < m));
        }
        ensure!(refused > 0, "nobody was refused");
        Ok(())
    }
}

fn release(channel: &Channel, number: u64, model: &str) -> anyhow::Result<Release> {
    let version = Version::new(1, number, 0);
    // A board for each model, as it is called.
    let board = model.parse()?;
    let sha256 = Sha256::of(format!("{version} {model}").as_bytes());
    let (able, always) = (["https-transfer"].as_slice(), ["cloud-mqtts"].as_slice());
    let capabilities = if number >= ABLE {
        [able, always].concat()
    } else {
        always.to_vec()
    };
    Ok(Release {
        bundle: BundleTarget {
            target: Release::bundle_name(channel, &version, &board),
            length: 1 << 20,
            sha256,
            manifest: ManifestDigest {
                length: 1000,
                sha256,
            },
        },
        evidence: Some(EvidenceTarget {
            target: Release::evidence_name(channel, &version, &board),
            length: 1000,
            sha256,
        }),
        capabilities: capabilities
            .into_iter()
            .map(str::parse)
            .collect::<Result<_, _>>()?,
        models: vec![model.parse()?],
        counter: Counter::new(1)?,
        built: "2026-01-02T03:04:05Z".parse()?,
        commit: None,
        floor: None,
        waves: Vec::new(),
        yanked: None,
        version,
        board,
    })
}
