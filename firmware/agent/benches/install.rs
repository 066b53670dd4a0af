//! An install against the tools that do its parts: `zstd -d`, `sha256sum`, `dd conv=fsync`, each over the same image.
//!
//! ```text
//! cargo bench -p firstlayer-agent --bench install              # throughput, as ratios
//! cargo bench -p firstlayer-agent --bench install -- --memory  # peak memory for 64 MB, 256 MB and 1 GB
//! ```
//! The measurement of memory starts this program again for each size, so that no size sees another's peak.
//! Needs `zstd`, `sha256sum` and `dd`, and Linux (`/proc/self/status`).

// A bench is a test of speed: what it cannot do ends it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/suite/repository.rs"]
mod repository;

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use firstlayer_agent::*;
use repository::{Repository, image};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const MEGABYTE: usize = 1_000_000;
const ROUNDS: usize = 5;

fn main() -> Outcome {
    let words: Vec<String> = env::args().skip(1).collect();
    let given = |word: &str| words.iter().any(|other| other == word);
    match words.as_slice() {
        [first, folder] if first == "--measure" => measure(Path::new(folder)),
        _ if given("--memory") => [64, 256, 1000].into_iter().try_for_each(memory),
        _ if given("--bench") => ratios(256),
        // `cargo test --all-targets` starts benches too, to see that they run: it does not wait for a measurement.
        _ => install_once(),
    }
}

fn install_once() -> Outcome {
    Scene::new(1)?.install()
}

/// Best of several rounds, taken in turns so that a noisy moment hits all alike.
fn ratios(megabytes: usize) -> Outcome {
    let scene = Scene::new(megabytes)?;
    let (raw, packed) = (scene.path("image"), scene.path("image.zst"));
    let copy = scene.path("copy");
    let tools: [(&str, Vec<String>); 3] = [
        (
            "zstd -d",
            vec![
                "zstd".into(),
                "-dqf".into(),
                packed,
                "-o".into(),
                copy.clone(),
            ],
        ),
        ("sha256sum", vec!["sha256sum".into(), raw.clone()]),
        (
            "dd conv=fsync",
            [
                "dd",
                &format!("if={raw}"),
                &format!("of={copy}"),
                "bs=4M",
                "conv=fsync",
            ]
            .map(String::from)
            .into(),
        ),
    ];
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        for (index, (_, words)) in tools.iter().enumerate() {
            best[index] = best[index].min(timed(|| run(words))?);
        }
        best[3] = best[3].min(timed(|| scene.install())?);
    }
    let rate = |time: Duration| megabytes as f64 / time.as_secs_f64();
    let slowest = best[..3].iter().max().copied().unwrap_or_default();
    for (index, (name, _)) in tools.iter().enumerate() {
        say(&format!("{name:14} {:7.0} MB/s", rate(best[index])));
    }
    say(&format!("{:14} {:7.0} MB/s", "install", rate(best[3])));
    say(&format!(
        "install / slowest tool: {:.2}",
        slowest.as_secs_f64() / best[3].as_secs_f64()
    ));
    Ok(())
}

fn memory(megabytes: usize) -> Outcome {
    let scene = Scene::new(megabytes)?;
    let folder = scene.repository.path().to_owned();
    let output = Command::new(env::current_exe()?)
        .arg("--measure")
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()?;
    say(&format!(
        "{megabytes:5} MB: {}",
        String::from_utf8(output.stdout)?.trim()
    ));
    Ok(())
}

/// In a process of its own: what an install adds to the peak of a process that is ready for it.
fn measure(folder: &Path) -> Outcome {
    let before = peak()?;
    install(folder, &Repository::new().trust_anchor())?;
    let after = peak()?;
    say(&format!(
        "peak {:.1} MiB, {:.1} MiB above idle",
        after / 1024.0,
        (after - before) / 1024.0
    ));
    Ok(())
}

struct Scene {
    repository: Repository,
}

impl Scene {
    fn new(megabytes: usize) -> Outcome<Self> {
        let mut repository = Repository::new();
        repository.frame_length = 4 << 20;
        let bytes = image(1, megabytes * MEGABYTE);
        repository.release("1.1.0", 2, &bytes);
        let scene = Self { repository };
        fs::write(scene.path("image"), &bytes)?;
        run(&[
            "zstd",
            "-qf",
            "-3",
            &scene.path("image"),
            "-o",
            &scene.path("image.zst"),
        ]
        .map(String::from))?;
        File::open(scene.path("image.zst"))?.sync_all()?;
        Ok(scene)
    }

    fn path(&self, name: &str) -> String {
        self.repository.path().join(name).display().to_string()
    }

    fn install(&self) -> Outcome {
        install(self.repository.path(), &self.repository.trust_anchor())
    }
}

/// A fresh printer installs from the folder.
fn install(folder: &Path, trust_anchor: &[u8]) -> Outcome {
    let printer = tempfile::tempdir()?;
    let mut slots = FileSlots::new(printer.path().join("slots"), 8 << 30);
    let mut store = FileStore::new(printer.path().join("agent.json"));
    let (clock, reboot) = (&FixedClock, &mut FixedClock);
    let machine = Machine {
        slots: &mut slots,
        store: &mut store,
        clock,
        reboot,
    };
    let identity = firstlayer_bundle::Identity {
        board: "virt-armv7".parse()?,
        models: vec!["first-mini".parse()?],
        version: "1.0.0".parse()?,
        counter: firstlayer_bundle::Counter::new(1)?,
    };
    let setup = Setup {
        board: "virt-armv7".parse()?,
        model: "first-mini".parse()?,
        channel: "stable".parse()?,
        running: firstlayer_policy::RunningRelease::new(identity, "2026-01-01T00:00:00Z".parse()?),
        trust_anchor: trust_anchor.to_vec(),
        refuse_development: true,
        metadata: MetadataFolder::new(printer.path().join("metadata")),
        retry: RetryPolicy::default(),
        trial_attempts: 3,
    };
    let installed =
        Agent::open(setup, machine)?.install(&mut FolderFetch::new(folder), &mut Silent)?;
    installed
        .installed
        .map(drop)
        .ok_or_else(|| "nothing was installed".into())
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_780_000_000).unwrap_or_default()
    }

    fn sleep(&self, _time: Duration) {}
}

impl Reboot for FixedClock {
    fn reboot(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Highest resident memory so far, in KiB.
fn peak() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn run(words: &[String]) -> Outcome {
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} ended with {status}").into())
    }
}

fn timed(work: impl FnOnce() -> Outcome) -> Outcome<Duration> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed())
}

fn say(line: &str) {
    // A closed pipe is the reader's affair.
    let _ = writeln!(std::io::stdout(), "{line}");
}
