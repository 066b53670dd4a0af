//! A machine with the client on it, and the web server that it talks to.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use firstlayer_tests::process::{Output, run};
use firstlayer_tests::server::Server;
use tempfile::TempDir;

use crate::repository::Repository;

/// Far longer than any run takes: what is not over by then never will be.
const LIMIT: Duration = Duration::from_secs(60);

/// One client with its folders, one server.
pub(crate) struct Machine {
    folder: TempDir,
    server: Server,
}

impl Machine {
    /// A client that trusts the repository's first root and has fetched nothing yet.
    pub(crate) fn new(repository: &Repository) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("www")).unwrap();
        let server = Server::of(&folder.path().join("www"));
        let machine = Self { folder, server };
        machine.publish(repository);
        let root = machine.path("initial-root.json");
        fs::write(&root, repository.trust_anchor()).unwrap();
        machine
            .client(&["init", root.to_str().unwrap()])
            .expect_success("init");
        machine
    }

    /// Puts the repository's files on the server.
    pub(crate) fn publish(&self, repository: &Repository) {
        repository.write_to(&self.path("www"));
    }

    /// Takes a file off the server.
    pub(crate) fn withdraw(&self, file: &str) {
        fs::remove_file(self.path("www").join(file)).unwrap();
    }

    pub(crate) fn refresh(&self) -> Output {
        let url = format!("{}/metadata/", self.server.url());
        self.client(&["--metadata-url", &url, "refresh"])
    }

    pub(crate) fn download(&self, names: &[&str]) -> Output {
        let (metadata, targets) = (
            format!("{}/metadata", self.server.url()),
            format!("{}/targets", self.server.url()),
        );
        let folder = self.path("targets");
        let mut arguments = vec!["--metadata-url", &metadata, "--target-base-url", &targets];
        arguments.extend(["--target-dir", folder.to_str().unwrap()]);
        arguments.extend(names.iter().flat_map(|name| ["--target-name", name]));
        arguments.push("download");
        self.client(&arguments)
    }

    /// Runs the client; whatever it is given, it ends by itself with 0 or 1.
    pub(crate) fn client(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuf-client"));
        command
            .arg("--metadata-dir")
            .arg(self.path("metadata"))
            .args(arguments);
        let output = run(&mut command, LIMIT);
        assert!(matches!(output.code, Some(0 | 1)), "{output}");
        assert!(!output.stderr.contains("panicked"), "{output}");
        output
    }

    /// A trusted file as it is stored.
    pub(crate) fn stored(&self, file: &str) -> Option<Vec<u8>> {
        fs::read(self.path("metadata").join(file)).ok()
    }

    /// The names of the files in one of the machine's folders.
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The paths asked for so far, without their folder.
    pub(crate) fn requests(&self, folder: &str) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        requests
            .filter_map(|request| {
                Some(
                    request
                        .path
                        .strip_prefix(folder)?
                        .trim_matches('/')
                        .to_owned(),
                )
            })
            .collect()
    }

    /// The delegated roles asked for so far.
    pub(crate) fn visited(&self) -> Vec<String> {
        let top_level = ["root", "timestamp", "snapshot", "targets"];
        let requests = self.requests("metadata").into_iter();
        let roles = requests
            .filter_map(|file| Some(file.strip_suffix(".json")?.split_once('.')?.1.to_owned()));
        roles
            .filter(|role| !top_level.contains(&role.as_str()))
            .collect()
    }
}

/// The client must have refused, and have said why.
#[track_caller]
pub(crate) fn assert_refuses(output: &Output, reason: &str) {
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains(reason), "{output}");
}
