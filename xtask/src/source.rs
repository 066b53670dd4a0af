//! What is being released: the commit, its time and place in history, and whether the tree differs from it.
//!
//! Asks git, and changes nothing that is the user's: neither the index nor the object store.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use firstlayer_bundle::Sha256;
use firstlayer_policy::Commit;
use jiff::Timestamp;
use serde::Serialize;

use crate::build::{LeftOut, described};
use crate::toolchain::process::without_secrets;

/// A checkout's state, as git tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The commit that is checked out.
    pub commit: Commit,
    /// When it was committed: the only time that goes into images.
    pub time: Timestamp,
    /// Commits from the beginning of the history that is there up to this one.
    pub count: u64,
    /// Whether older history is cut off, so that `count` is lower than in a full clone.
    pub shallow: bool,
    /// The id of the tree as it lies in the folder, where that differs from the commit's.
    pub changed: Option<String>,
    /// Parts of the firmware that are not built, so that it is not what the commit gives by itself.
    #[serde(skip_serializing_if = "LeftOut::is_empty")]
    pub left_out: LeftOut,
    /// Names of the tags on this commit.
    pub tags: Vec<String>,
}

impl Source {
    /// Looks at the checkout that `root` is the top of.
    ///
    /// # Errors
    /// When git is not there, the folder is no checkout of it, or it has no commit yet; the text says what to do.
    pub fn examine(root: &Utf8Path) -> Result<Self> {
        let git = Git { root };
        let head = git.line(&["log", "-1", "--format=%H %ct"]).with_context(|| {
            format!("{root} is no git checkout with a commit in it; a release is made of a commit, so run `git init`, `git add --all` and `git commit` there, or clone the project")
        })?;
        let (commit, time) = head.split_once(' ').context("git told no commit time")?;
        Ok(Self {
            commit: commit.parse()?,
            time: Timestamp::from_second(time.parse().context("git's commit time is no number")?)?,
            count: git
                .line(&["rev-list", "--count", "HEAD"])?
                .parse()
                .context("git's commit count is no number")?,
            shallow: git.line(&["rev-parse", "--is-shallow-repository"])? == "true",
            changed: git.changed_tree()?,
            left_out: LeftOut::new(),
            tags: git
                .text(&["tag", "--points-at", "HEAD"])?
                .lines()
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Eight digits that tell this state from every other: of the changed tree, or else of the commit; of a hash where
    /// parts are left out.
    pub fn short_id(&self) -> String {
        let id = self.changed.as_deref().unwrap_or(self.commit.as_str());
        let id = match self.left_out.is_empty() {
            true => id.to_owned(),
            false => Sha256::of(format!("{id}{}", described(&self.left_out)).as_bytes()).to_string(),
        };
        id.chars().take(8).collect()
    }

    /// Whether it is just what the commit gives.
    pub fn is_the_commits(&self) -> bool {
        self.changed.is_none() && self.left_out.is_empty()
    }

    /// The commit that a release of this state names: none if it is not what that gives.
    pub fn released(&self) -> Option<Commit> {
        self.is_the_commits().then(|| self.commit.clone())
    }
}

struct Git<'a> {
    root: &'a Utf8Path,
}

impl Git<'_> {
    /// The id of the tree as it lies there, or `None` if it is the commit's own.
    fn changed_tree(&self) -> Result<Option<String>> {
        if self
            .text(&["status", "--porcelain", "--untracked-files=normal"])?
            .is_empty()
        {
            return Ok(None);
        }
        let tree = self.write_tree()?;
        let committed = self.line(&["rev-parse", "HEAD^{tree}"])?;
        Ok((tree != committed).then_some(tree))
    }

    /// Writes the tree with an index and an object store of its own, which are gone afterwards.
    fn write_tree(&self) -> Result<String> {
        let scratch = tempfile::tempdir().context("cannot make a temporary folder for git")?;
        let git_folder = self.line(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
        let index = self.line(&["rev-parse", "--path-format=absolute", "--git-path", "index"])?;
        let copy = scratch.path().join("index");
        copy_index(index.as_ref(), &copy).with_context(|| format!("cannot copy {index}"))?;
        let run = |arguments: &[&str]| {
            let mut command = self.command(arguments);
            command
                .env("GIT_INDEX_FILE", &copy)
                .env("GIT_OBJECT_DIRECTORY", scratch.path())
                .env(
                    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                    format!("{git_folder}/objects"),
                );
            finish(command.output(), arguments)
        };
        run(&["add", "--all"])?;
        Ok(run(&["write-tree"])?.trim().to_owned())
    }

    fn line(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.text(arguments)?.trim().to_owned())
    }

    fn text(&self, arguments: &[&str]) -> Result<String> {
        finish(self.command(arguments).output(), arguments)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(self.root)
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C");
        without_secrets(&mut command);
        command
    }
}

/// A copy spares git from hashing every file again. Its time must be the original's: by that git knows which files were
/// written so shortly before the index that their own times prove nothing.
fn copy_index(index: &Path, copy: &Path) -> io::Result<()> {
    if index.exists() {
        fs::copy(index, copy)?;
        let written = fs::metadata(index)?.modified()?;
        File::options()
            .write(true)
            .open(copy)?
            .set_modified(written)?;
    }
    Ok(())
}

fn finish(output: io::Result<Output>, arguments: &[&str]) -> Result<String> {
    let shown = arguments.join(" ");
    let output = output.with_context(|| format!("cannot run `git {shown}`; is git installed?"))?;
    if !output.status.success() {
        bail!(
            "`git {shown}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`git {shown}` printed no text"))
}
