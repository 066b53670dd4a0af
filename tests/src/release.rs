//! The release of this checkout, made once a process as a maintainer makes it, and kept between runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::BoardUnderTest;
use crate::process::run;
use crate::workshop::{kept, xtask};

/// A first release fetches a compiler and builds everything.
pub const LIMIT: Duration = Duration::from_secs(3600);

/// A published repository.
#[derive(Debug)]
pub struct Published {
    /// Its folder.
    pub folder: PathBuf,
}

/// The release, published into a folder under `.firstlayer/tests/`.
pub fn published() -> &'static Published {
    static PUBLISHED: OnceLock<Published> = OnceLock::new();
    PUBLISHED.get_or_init(|| {
        let published = Published {
            folder: kept("release/published"),
        };
        run(&mut release_into(&published.folder, "stable"), LIMIT)
            .expect_success("cargo xtask release");
        published
    })
}

/// `cargo xtask release` to a channel, into a folder, with the keys of all such releases.
pub fn release_into(repository: &Path, channel: &str) -> Command {
    let mut command = xtask(["release", "--json", "--channel", channel, "--repository"]);
    command
        .arg(repository)
        .arg("--keys")
        .arg(kept("release/keys"));
    command
}

impl Published {
    /// The trust anchor.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root.json")
    }

    /// What the channel manifest says of the newest release for a board.
    pub fn newest(&self, board: BoardUnderTest) -> Value {
        let channel: Value = serde_json::from_slice(&self.target("stable.json")).expect("JSON");
        let releases = channel["releases"]
            .as_array()
            .expect("releases")
            .iter()
            .rev();
        let mut of_board = releases.filter(|release| release["board"] == board.name);
        of_board.next().expect("a release for the board").clone()
    }

    /// Target name of the newest bundle for a board.
    pub fn bundle(&self, board: BoardUnderTest) -> String {
        self.newest(board)["bundle"]["target"]
            .as_str()
            .expect("a name")
            .to_owned()
    }

    /// Bytes of the newest file of that target name.
    pub fn target(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.target_path(name)).expect("reading a target")
    }

    /// The newest file of that target name.
    pub fn target_path(&self, name: &str) -> PathBuf {
        let end = format!(".{name}");
        let files = std::fs::read_dir(self.folder.join("targets"))
            .expect("targets")
            .flatten();
        let named = files
            .map(|file| file.path())
            .filter(|path| path.to_string_lossy().ends_with(&end));
        let age = |path: &PathBuf| {
            path.metadata()
                .and_then(|metadata| metadata.modified())
                .expect("a time")
        };
        named
            .max_by_key(age)
            .unwrap_or_else(|| panic!("no target {name}"))
    }
}
