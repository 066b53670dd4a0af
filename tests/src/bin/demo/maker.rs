//! The maker's side: a small checkout of its own, in which firmware is released, and rules are planned and applied, with
//! the library behind `cargo xtask` and a clock that the story sets.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_policy::{ChannelManifest, Limits, Release};
use firstlayer_tests::fixture::BoardUnderTest;
use firstlayer_tests::workshop::checkout;
use jiff::Timestamp;
use xtask::checkout::Checkout;
use xtask::enforce::{self, Emulated, Machine, Output, Place, Plan, Source, Terms};
use xtask::probe::{Emulator, Image, Probed, Sandbox, measure};
use xtask::progress::Progress;
use xtask::release::{self, BoardPlan, Environment, Firmware, Probing, Request};
use xtask::repository::RealDisk;

use crate::builds::Builds;

/// No signature expires while the story goes on for months, and is told in minutes.
const LIFETIME: &str = "lifetime-days = 1000";
/// How many of those in use the maker is ready to cut off for a while.
const MOST_LOST: &str = "0.5%";

/// The maker.
pub(crate) struct Maker<'a> {
    checkout: Checkout,
    board: BoardUnderTest,
    builds: &'a Builds,
    progress: &'a dyn Progress,
}

impl<'a> Maker<'a> {
    /// In an empty folder.
    pub(crate) fn begin(
        folder: &Utf8Path,
        board: BoardUnderTest,
        builds: &'a Builds,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        lay_out(folder, board)?;
        git(folder, Timestamp::UNIX_EPOCH, &["init", "--quiet"])?;
        Ok(Self {
            checkout: Checkout::around(folder)?,
            board,
            builds,
            progress,
        })
    }

    /// The folder of the repository.
    pub(crate) fn repository(&self) -> Utf8PathBuf {
        release::repository_folder(&self.checkout)
    }

    /// Releases this version at that time, with job files over HTTPS or without; gives what is published of it then.
    pub(crate) fn release(&self, version: &str, https: bool, at: Timestamp) -> Result<Release> {
        let root = self.checkout.root();
        let manifest = format!(
            "[package]\nname = \"printerd\"\nversion = \"{version}\"\nedition = \"2024\"\n"
        );
        write(&root.join("firmware/printerd/Cargo.toml"), &manifest)?;
        git(root, at, &["add", "--all"])?;
        git(root, at, &["commit", "--quiet", "--message", version])?;
        let firmware = Built {
            builds: self.builds,
            https,
        };
        let report = release::run_with(
            &self.checkout,
            &self.request()?,
            at,
            &firmware,
            &RealDisk,
            self.progress,
        )?;
        let mut releases = self.releases()?.into_iter();
        let published = releases.find(|release| release.version == report.plan.version);
        published.context("what was released is not published")
    }

    /// Everything that is published on stable, oldest first.
    pub(crate) fn releases(&self) -> Result<Vec<Release>> {
        let manifest = fs::read(self.target("stable.json")?)?;
        let stable = "stable".parse()?;
        let manifest = ChannelManifest::parse(&manifest, &stable, &Limits::default())?;
        Ok(manifest.releases().to_vec())
    }

    /// The file of a published target; the newest of that name.
    pub(crate) fn target(&self, name: &str) -> Result<Utf8PathBuf> {
        let files = self.repository().join("targets").read_dir_utf8()?;
        let end = format!(".{name}");
        let named = files
            .flatten()
            .filter(|file| file.file_name().ends_with(&end))
            .map(|file| Ok((file.metadata()?.modified()?, file.into_path())))
            .collect::<std::io::Result<Vec<_>>>()?;
        let newest = named.into_iter().max();
        Ok(newest.with_context(|| format!("no target {name}"))?.1)
    }

    /// Puts a rule under review: cloud printing takes `https-transfer`.
    pub(crate) fn propose(&self, warn_from: Timestamp, enforce_from: Timestamp) -> Result<()> {
        let rule = format!(
            "[[rules]]\nname = \"https-transfer\"\ncapability = \"https-transfer\"\nwithholds = \"cloud-print\"\n\
             warn_from = \"{warn_from}\"\nenforce_from = \"{enforce_from}\"\n\
             reason = \"Model files must not cross the network in clear text. Please update the printer.\"\n\
             help = \"https://help.example.org/https-transfer\"\n"
        );
        write(&self.checkout.root().join(enforce::RULES), &rule)
    }

    /// What the rule would do, as of that time, to these printers; a page about it lies beside the plan.
    pub(crate) fn plan(&self, census: &Utf8Path, at: Timestamp) -> Result<(Plan, Utf8PathBuf)> {
        let page = self.checkout.state().join("enforce/plan.html");
        let output = Output {
            plan: enforce::plan_file(&self.checkout),
            page: Some(page.clone()),
        };
        let trial = self.trial();
        let report = enforce::plan(
            &self.checkout,
            &self.rules(census)?,
            &output,
            &self.machine(&trial, at),
        )?;
        let refusals: Vec<String> = report
            .plan
            .refusals
            .iter()
            .map(ToString::to_string)
            .collect();
        ensure!(refusals.is_empty(), "the plan is refused: {refusals:?}");
        Ok((report.plan, page))
    }

    /// Signs and publishes the plan.
    pub(crate) fn apply(&self, census: &Utf8Path, at: Timestamp) -> Result<()> {
        let trial = self.trial();
        let file = enforce::plan_file(&self.checkout);
        let machine = self.machine(&trial, at);
        let applied = enforce::apply(&self.checkout, &self.rules(census)?, &file, &machine)?;
        ensure!(applied.changed, "the plan was in force before");
        Ok(())
    }

    fn request(&self) -> Result<Request> {
        let (stable, environment) = ("stable".parse()?, Environment::Development);
        Ok(Request::new(
            &self.checkout,
            stable,
            environment,
            None,
            None,
        ))
    }

    fn rules(&self, census: &Utf8Path) -> Result<enforce::Request> {
        Ok(enforce::Request {
            census: Source::File(census.to_owned()),
            place: Place::new(&self.checkout, Environment::Development, None, None),
            terms: Terms {
                max_lockout: MOST_LOST.parse()?,
                ..Terms::default()
            },
        })
    }

    fn trial(&self) -> Emulated<'a> {
        Emulated::on(self.builds.emulator.clone(), self.progress)
    }

    fn machine<'m>(&'m self, trial: &'m Emulated<'_>, now: Timestamp) -> Machine<'m> {
        Machine {
            now,
            trial,
            disk: &RealDisk,
            progress: self.progress,
        }
    }

    /// The board that everything is for.
    pub(crate) fn board(&self) -> BoardUnderTest {
        self.board
    }
}

/// The firmware of one release.
struct Built<'a> {
    builds: &'a Builds,
    https: bool,
}

impl Firmware for Built<'_> {
    fn ready(&self, _probing: Probing) -> Result<()> {
        Ok(Sandbox::of_this_program()?.ready()?)
    }

    fn build(
        &self,
        _board: &BoardPlan,
        _environment: Environment,
        _progress: &dyn Progress,
    ) -> Result<Utf8PathBuf> {
        Ok(match self.https {
            true => self.builds.able.clone(),
            false => self.builds.lacking.clone(),
        })
    }

    fn probe(&self, image: &Image, progress: &dyn Progress) -> Result<Probed> {
        let emulator = Emulator::at(self.builds.emulator.clone());
        measure(image, &emulator, &Sandbox::of_this_program()?, progress)
    }
}

/// What of the project a release reads: the board, the channels, who signs, and a manifest with a version.
fn lay_out(folder: &Utf8Path, board: BoardUnderTest) -> Result<()> {
    let read = |path: &str| {
        let path = checkout().join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    for path in [
        format!("firmware/boards/{}.toml", board.name),
        "manifests/channels/stable.toml".to_owned(),
        "manifests/channels/beta.toml".to_owned(),
    ] {
        write(&folder.join(&path), &read(&path)?)?;
    }
    let roles = read("keys/roles.toml")?;
    let roles = roles.lines().map(|line| match line {
        line if line.starts_with("lifetime-days") => LIFETIME,
        line => line,
    });
    let roles: String = roles.map(|line| format!("{line}\n")).collect();
    for (path, text) in [
        ("keys/roles.toml", roles.as_str()),
        (enforce::RULES, ""),
        (".gitignore", "/.firstlayer/\n"),
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"firmware/printerd\"]\n",
        ),
        ("firmware/printerd/src/main.rs", "fn main() {}\n"),
    ] {
        write(&folder.join(path), text)?;
    }
    Ok(())
}

fn write(path: &Utf8Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a path with a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    fs::write(path, text).with_context(|| format!("cannot write {path}"))
}

/// git, as if at that time, with nobody's own settings.
fn git(folder: &Utf8Path, at: Timestamp, words: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .args(["-c", "user.name=Demo", "-c", "user.email=demo@example.org"])
        .args(["-c", "commit.gpgsign=false"])
        .args(words)
        .env("GIT_AUTHOR_DATE", at.to_string())
        .env("GIT_COMMITTER_DATE", at.to_string());
    let output = git.output().context("git cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {words:?} failed: {said}");
    Ok(())
}
