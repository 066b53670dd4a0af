//! A checkout of its own in a temporary folder, small enough to release many times.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_signers::RolesConfig;
use jiff::Timestamp;
use tempfile::TempDir;
use xtask::checkout::Checkout;
use xtask::probe::{Emulator, Finding, Image, Observation, Probed};
use xtask::progress::{Progress, Silent};
use xtask::release::{self, BoardPlan, Environment, Firmware, Probing, Report, Request};
use xtask::repository::{Disk, RealDisk};
use xtask::{status, validate};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The checkout, its repository and its keys.
pub(crate) struct Workshop {
    pub(crate) root: Utf8PathBuf,
    pub(crate) environment: Environment,
    pub(crate) now: Timestamp,
    _folder: Option<TempDir>,
}

/// Firmware that is a file in the checkout: it changes when a commit changes it. It is there for one environment alone.
pub(crate) struct Prebuilt<'a>(pub(crate) &'a Utf8Path, pub(crate) Environment);

impl Firmware for Prebuilt<'_> {
    fn ready(&self, _probing: Probing) -> Result<()> {
        Ok(())
    }

    fn build(
        &self,
        _board: &BoardPlan,
        environment: Environment,
        _progress: &dyn Progress,
    ) -> Result<Utf8PathBuf> {
        ensure!(environment == self.1, "built for {environment:?}");
        Ok(self.0.join("firmware/printerd/prebuilt"))
    }

    /// Sees what `firmware/printerd/capabilities` in the checkout says, a line each: a name, and what was seen.
    fn probe(&self, image: &Image, _progress: &dyn Progress) -> Result<Probed> {
        let told = fs::read_to_string(self.0.join("firmware/printerd/capabilities"))?;
        let finding = |line: &str| {
            let (name, seen) = line.split_once(' ').unwrap();
            let observation = Observation {
                name: "whether it can".to_owned(),
                expected: "it can".to_owned(),
                seen: seen.to_owned(),
            };
            let finding = match seen {
                "unknown" => Finding::NotMeasured("it did not start".to_owned()),
                _ => Finding::Seen(vec![observation]),
            };
            (name.to_owned(), finding)
        };
        let emulator = Emulator {
            program: "none".into(),
            version: "none".to_owned(),
        };
        Probed::new(image, &emulator, told.lines().map(finding).collect())
    }
}

impl Workshop {
    /// A checkout with one commit and development keys; nothing is published.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Self {
            _folder: Some(folder),
            ..Self::at(Path::new(""))
        };
        let root = Utf8Path::from_path(workshop._folder.as_ref().unwrap().path())
            .unwrap()
            .to_owned();
        let workshop = Self { root, ..workshop };
        workshop.lay_out();
        workshop.git(&["init", "--quiet", "--initial-branch", "main"]);
        workshop.commit("the first commit");
        copy_folder(keys(), workshop.keys().as_std_path());
        workshop
    }

    /// A workshop that another process laid out.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: Utf8Path::from_path(root).unwrap().to_owned(),
            environment: Environment::Development,
            now: "2026-06-01T00:00:00Z".parse().unwrap(),
            _folder: None,
        }
    }

    fn lay_out(&self) {
        for folder in ["firmware/boards", "manifests/channels"] {
            copy_folder(
                &Path::new(PROJECT).join(folder),
                self.root.join(folder).as_std_path(),
            );
        }
        self.write("manifests/enforcement.toml", "");
        fs::create_dir_all(self.root.join("keys/roots")).unwrap();
        fs::copy(
            Path::new(PROJECT).join("keys/roles.toml"),
            self.root.join("keys/roles.toml"),
        )
        .unwrap();
        self.write(".gitignore", "/.firstlayer/\n");
        self.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"firmware/printerd\"]\n",
        );
        self.write("firmware/printerd/src/main.rs", "fn main() {}\n");
        self.set_version("0.1.0");
        self.set_firmware(1);
        self.set_capabilities(&[("lan-mqtts", "it can")]);
    }

    /// What the firmware will be seen to do.
    pub(crate) fn set_capabilities(&self, seen: &[(&str, &str)]) {
        let lines = seen.iter().map(|(name, seen)| format!("{name} {seen}\n"));
        self.write("firmware/printerd/capabilities", &lines.collect::<String>());
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn set_version(&self, version: &str) {
        let manifest = format!(
            "[package]\nname = \"printerd\"\nversion = \"{version}\"\nedition = \"2024\"\n"
        );
        self.write("firmware/printerd/Cargo.toml", &manifest);
    }

    /// The counter of new releases on stable.
    pub(crate) fn set_counter(&self, counter: u64) {
        let path = "manifests/channels/stable.toml";
        let text = fs::read_to_string(self.root.join(path)).unwrap();
        let others = text.lines().filter(|line| !line.starts_with("counter"));
        let text: String = others.map(|line| format!("{line}\n")).collect();
        self.write(path, &format!("{text}counter = {counter}\n"));
    }

    /// 300 kB that hardly compress, other ones for each seed.
    pub(crate) fn set_firmware(&self, seed: u64) {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(300_000 / 8)
        .flatten()
        .collect();
        fs::write(self.root.join("firmware/printerd/prebuilt"), bytes).unwrap();
    }

    /// Commits everything, at a time that rises with each commit.
    pub(crate) fn commit(&self, message: &str) {
        let count = self
            .try_git(&["rev-list", "--count", "HEAD"])
            .unwrap_or_default()
            .trim()
            .parse()
            .unwrap_or(0);
        let date = format!("{} +0000", 1_767_225_600_u64 + 60 * count);
        self.git(&["add", "--all"]);
        let status = self
            .git_command(&["commit", "--quiet", "--allow-empty", "--message", message])
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_AUTHOR_DATE", &date)
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Another commit in place of the last one, at the same time.
    pub(crate) fn amend(&self, message: &str) {
        let date = self.git(&["log", "-1", "--format=%cI"]);
        let status = self
            .git_command(&["commit", "--quiet", "--amend", "--message", message])
            .env("GIT_COMMITTER_DATE", date.trim())
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments)
            .unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let output = self.git_command(arguments).output().unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn git_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.invalid",
        ]);
        command.args(["-c", "commit.gpgsign=false"]).args(arguments);
        command
    }

    pub(crate) fn checkout(&self) -> Checkout {
        Checkout::around(&self.root).unwrap()
    }

    pub(crate) fn repository(&self) -> Utf8PathBuf {
        self.root.join(".firstlayer/repository")
    }

    pub(crate) fn keys(&self) -> Utf8PathBuf {
        self.root.join(".firstlayer/keys")
    }

    pub(crate) fn request(&self) -> Request {
        Request::new(
            &self.checkout(),
            "stable".parse().unwrap(),
            self.environment,
            None,
            None,
        )
    }

    pub(crate) fn release(&self) -> Result<Report> {
        self.release_on(&RealDisk)
    }

    pub(crate) fn release_on(&self, disk: &dyn Disk) -> Result<Report> {
        release::run_with(
            &self.checkout(),
            &self.request(),
            self.now,
            &Prebuilt(&self.root, self.environment),
            disk,
            &Silent,
        )
    }

    /// Releases into another repository than the checkout's own.
    pub(crate) fn release_into(&self, repository: &Utf8Path) -> Result<Report> {
        let request = Request {
            repository: repository.to_owned(),
            ..self.request()
        };
        release::run_with(
            &self.checkout(),
            &request,
            self.now,
            &Prebuilt(&self.root, self.environment),
            &RealDisk,
            &Silent,
        )
    }

    pub(crate) fn status(&self) -> status::Report {
        status::examine(&self.checkout(), &self.repository(), None, self.now).unwrap()
    }

    /// Every file, every signature, every bundle, and nothing else.
    pub(crate) fn assert_in_order(&self) {
        let report = self.validate(None);
        assert!(report.problems.is_empty(), "{}", report.problems);
    }

    pub(crate) fn validate(&self, anchor: Option<&Utf8Path>) -> validate::Report {
        self.validate_at(&self.repository(), anchor)
    }

    pub(crate) fn validate_at(
        &self,
        repository: &Utf8Path,
        anchor: Option<&Utf8Path>,
    ) -> validate::Report {
        validate::validate(&self.checkout(), repository, anchor, self.now, &Silent)
    }

    /// Every file of the repository with its contents' hash, and when it was last written.
    pub(crate) fn contents(&self) -> BTreeMap<String, (Vec<u8>, Timestamp)> {
        let mut files = BTreeMap::new();
        for folder in ["metadata", "targets", ""] {
            for entry in self.repository().join(folder).read_dir_utf8().unwrap() {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                if metadata.is_file() {
                    let written = Timestamp::try_from(metadata.modified().unwrap()).unwrap();
                    files.insert(
                        entry.path().to_string(),
                        (fs::read(entry.path()).unwrap(), written),
                    );
                }
            }
        }
        files
    }

    /// The files that were ever published under this target name and are still there.
    pub(crate) fn target_paths(&self, name: &str) -> Vec<Utf8PathBuf> {
        let end = format!(".{name}");
        let files = self.repository().join("targets").read_dir_utf8().unwrap();
        files
            .map(|file| file.unwrap().into_path())
            .filter(|path| path.as_str().ends_with(&end))
            .collect()
    }

    /// The texts of the problems that stop a release.
    pub(crate) fn problems(&self) -> String {
        format!("{:#}", self.release().unwrap_err())
    }
}

/// Keys that OpenSSL made: quickly unlocked, unlike our own, so that tests may sign often.
fn keys() -> &'static Path {
    static KEYS: OnceLock<TempDir> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(Path::new(PROJECT).join("keys/roles.toml")).unwrap();
        let roles = RolesConfig::parse("keys/roles.toml", &text)
            .unwrap()
            .for_development();
        for name in roles.roles().flat_map(|(_, role)| &role.keys) {
            make_key(folder.path(), name.as_str(), "development");
        }
        folder
    })
    .path()
}

/// One key and its public half.
pub(crate) fn make_key(folder: &Path, name: &str, passphrase: &str) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let private = folder.join(format!("{name}.pem"));
    let public = folder.join(format!("{name}.pub.pem"));
    let (private_text, public_text) = (private.display().to_string(), public.display().to_string());
    let pass = format!("pass:{passphrase}");
    openssl(&[
        "genpkey",
        "-algorithm",
        "ed25519",
        "-aes256",
        "-pass",
        &pass,
        "-out",
        &private_text,
    ]);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    openssl(&[
        "pkey",
        "-in",
        &private_text,
        "-passin",
        &pass,
        "-pubout",
        "-out",
        &public_text,
    ]);
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
