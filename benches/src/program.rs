//! Programs of the project's, as optimised as this one.

use std::{
    env,
    io::BufReader,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use cargo_metadata::Message;

/// The optimised build for the host, by the cargo that runs this; with the profile of this program, whose parts it shares.
pub(crate) fn build(package: &str) -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What the outer cargo tells this program of itself would have build scripts run again, in turns with the outer's.
    let told =
        |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(told) {
        command.env_remove(name);
    }
    let mut child = command
        .args([
            "build",
            "--quiet",
            "--profile",
            "bench",
            "--package",
            package,
            "--locked",
        ])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting cargo to build {package}"))?;
    let messages = child.stdout.take().context("cargo's messages")?;
    let mut binary = None;
    for message in Message::parse_stream(BufReader::new(messages)) {
        if let Message::CompilerArtifact(artifact) = message.context("reading cargo's messages")?
            && let Some(executable) = artifact.executable
        {
            binary = Some(executable.into_std_path_buf());
        }
    }
    let status = child.wait().context("waiting for cargo")?;
    ensure!(status.success(), "{package} could not be built");
    binary.with_context(|| format!("cargo built {package}, and named no program"))
}
