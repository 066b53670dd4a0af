//! An S3-compatible store that checks signatures, and URLs for it that are signed beforehand.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::clients::python_with;
use crate::network::{Network, free_address};
use crate::process::{Process, run_ok};
use crate::workshop::{cargo, on_path, once};

/// Who signs: this may be seen by everybody.
pub const KEY_ID: &str = "FIRSTLAYERTESTS";
/// And this by nobody.
pub const SECRET: &str = "this-secret-travels-nowhere";

const RECIPE: &str = "s3s-fs 0.14.1";
const BUILD: Duration = Duration::from_secs(2400);
const START: Duration = Duration::from_secs(60);
const PORT: u16 = 8014;
/// Where objects are.
pub const BUCKET: &str = "models";

/// A store over a folder; ends when dropped.
#[derive(Debug)]
pub struct Store {
    address: SocketAddr,
    folder: tempfile::TempDir,
    _process: Process,
}

impl Store {
    /// A store in a test's own network. `Err` says why there is none.
    pub fn start(network: &Network) -> Result<Self, String> {
        let address = SocketAddr::from(([127, 0, 0, 1], PORT));
        Self::start_at(address, |command| network.inside(&command))
    }

    /// A store on this machine's loopback. `Err` says why there is none.
    pub fn on_loopback() -> Result<Self, String> {
        Self::start_at(free_address(), |command| command)
    }

    fn start_at(
        address: SocketAddr,
        place: impl FnOnce(Command) -> Command,
    ) -> Result<Self, String> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(BUCKET)).expect("making a bucket");
        let mut serve = Command::new(program);
        serve
            .args(["--access-key", KEY_ID, "--secret-key", SECRET])
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .arg(folder.path())
            .env("RUST_LOG", "info");
        let mut process = Process::spawn(&mut place(serve));
        let ready = process.wait_for_any_line(START, |line| {
            line.contains("running at") || line.contains("listening")
        });
        if ready.is_none() {
            panic!("s3s-fs did not start: {}", process.finish(START));
        }
        Ok(Self {
            address,
            folder,
            _process: process,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts an object into it.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(BUCKET).join(name);
        fs::create_dir_all(path.parent().expect("in a bucket")).expect("making a folder");
        fs::write(path, bytes).expect("writing an object");
    }
}

/// A URL by which the object can be fetched for so many seconds, from the store behind `server`.
pub fn presigned(server: &str, object: &str, seconds: i64) -> Result<String, String> {
    const SCRIPT: &str = "import sys, botocore.session, botocore.config\n\
        server, key, secret, bucket, name, seconds = sys.argv[1:]\n\
        config = botocore.config.Config(signature_version='s3v4', s3={'addressing_style': 'path'})\n\
        client = botocore.session.get_session().create_client('s3', region_name='us-east-1', endpoint_url=server,\n\
            aws_access_key_id=key, aws_secret_access_key=secret, config=config)\n\
        print(client.generate_presigned_url('get_object', {'Bucket': bucket, 'Key': name}, ExpiresIn=int(seconds)))\n";
    let python = python_with("botocore", &["botocore==1.40.70"])?;
    let mut sign = Command::new(python);
    sign.args([
        "-c",
        SCRIPT,
        server,
        KEY_ID,
        SECRET,
        BUCKET,
        object,
        &seconds.to_string(),
    ]);
    Ok(run_ok(&mut sign, START).stdout.trim().to_owned())
}

/// Built once and kept: several minutes on two cores.
fn program() -> Result<PathBuf, String> {
    if let Some(installed) = on_path("s3s-fs") {
        return Ok(installed);
    }
    let folder = once("s3s-fs", RECIPE, |folder: &Path| {
        let (name, version) = RECIPE.split_once(' ').expect("a name and a version");
        let mut install = cargo();
        install
            .args([
                "install",
                "--quiet",
                "--locked",
                "--features",
                "binary",
                "--root",
            ])
            .arg(folder)
            .arg(format!("{name}@{version}"))
            .env("CARGO_TARGET_DIR", folder.join("target"));
        run_ok(&mut install, BUILD);
        Ok(())
    })?;
    Ok(folder.join("bin/s3s-fs"))
}
