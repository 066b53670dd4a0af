//! The conformance client: the metadata library as a process, for public suites and our own to drive.
//!
//! Exits with 0 if everything asked for was done and with 1 otherwise. It keeps nothing that was not verified.

mod download;
mod http;
mod store;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use firstlayer_metadata::{Client, Limits, Local, TRUST_ANCHOR, TargetPath};

use download::Downloads;
use http::{Http, Nowhere};
use store::Folder;

/// A TUF client for conformance tests.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder that keeps trusted metadata.
    #[arg(long)]
    metadata_dir: PathBuf,
    /// The URL of the repository's metadata.
    #[arg(long)]
    metadata_url: Option<String>,
    /// A target to download; may be given several times.
    #[arg(long)]
    target_name: Vec<String>,
    /// The URL of the repository's targets.
    #[arg(long)]
    target_base_url: Option<String>,
    /// The folder for downloaded targets.
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trust this root from now on.
    Init {
        /// The file with the root.
        root: PathBuf,
    },
    /// Bring the top-level metadata up to date.
    Refresh,
    /// Bring the metadata up to date and download the targets named.
    Download,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do where not even this can be said.
            drop(error.print());
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a command's own voice")]
            {
                eprintln!("tuf-client: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    match &arguments.command {
        Command::Init { root } => init(root, arguments.metadata_dir.clone()),
        Command::Refresh => refreshed_client(&arguments).map(drop),
        Command::Download => download(&arguments),
    }
}

fn init(root: &PathBuf, metadata_dir: PathBuf) -> Result<()> {
    let anchor = fs::read(root).with_context(|| format!("reading the root {}", root.display()))?;
    let local = Folder::create(metadata_dir).context("making the folder for metadata")?;
    Client::new(Nowhere, local, &anchor, Limits::default()).context("trusting the root")?;
    Ok(())
}

/// A client with everything checked against the one time at which it began.
fn refreshed_client(arguments: &Arguments) -> Result<Client<Http, Folder>> {
    let url = arguments
        .metadata_url
        .as_deref()
        .context("--metadata-url is needed")?;
    let mut local = Folder::create(arguments.metadata_dir.clone())
        .context("opening the folder for metadata")?;
    let anchor = local
        .load(TRUST_ANCHOR)
        .context("reading the trust anchor")?;
    let anchor = anchor.context("no root is trusted yet: init comes first")?;
    let mut client = Client::new(Http::new(url)?, local, &anchor, Limits::default())?;
    client
        .refresh(jiff::Timestamp::now())
        .context("refreshing the metadata")?;
    Ok(client)
}

fn download(arguments: &Arguments) -> Result<()> {
    let url = arguments
        .target_base_url
        .as_deref()
        .context("--target-base-url is needed")?;
    let folder = arguments
        .target_dir
        .clone()
        .context("--target-dir is needed")?;
    let downloads = Downloads::new(Http::new(url)?, folder)?;
    let mut client = refreshed_client(arguments)?;
    for name in &arguments.target_name {
        let path: TargetPath = name.parse()?;
        let found = client
            .find_target(&path)
            .with_context(|| format!("looking for {path}"))?;
        let target =
            found.with_context(|| format!("the repository vouches for no target {path}"))?;
        downloads
            .fetch(&target)
            .with_context(|| format!("downloading {path}"))?;
    }
    Ok(())
}
