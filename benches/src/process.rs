//! Programs as processes: what one took, and the most memory it had.
//!
//! The kernel keeps the highest resident size of every process (`ru_maxrss`, getrusage(2)), so it is read and not
//! sampled. It counts what the starting process had in memory too, up to the moment of exec; so a program is watched
//! by a small process of its own, which has one child and says no less than that one alone.

use std::{
    env,
    ffi::OsString,
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use crate::rounds::{Cost, timed};

/// What a watched program printed, and the most memory it had, in bytes.
pub(crate) struct Peak {
    pub(crate) stdout: String,
    pub(crate) bytes: u64,
}

/// A program and its arguments.
pub(crate) fn command<W: Into<OsString>>(
    program: &str,
    words: impl IntoIterator<Item = W>,
) -> Command {
    let mut command = Command::new(program);
    command.args(words.into_iter().map(Into::into));
    command
}

/// This program again, as one of its hidden commands.
pub(crate) fn this_program<W: Into<OsString>>(
    words: impl IntoIterator<Item = W>,
) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe().context("finding this program")?);
    command.args(words.into_iter().map(Into::into));
    Ok(command)
}

/// Runs a program to its end; what it prints is dropped. Everything written before is on the medium when it begins.
pub(crate) fn time(command: &mut Command) -> anyhow::Result<Cost> {
    nix::unistd::sync();
    command.stdout(Stdio::null());
    Ok(timed(|| output(command))?.1)
}

/// Runs a program to its end, and gives what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be started here"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}): {}", output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{program} did not print text"))
}

/// Runs a program to its end under a watcher.
pub(crate) fn peak(watched: &Command) -> anyhow::Result<Peak> {
    let mut words = vec![OsString::from("peak-of"), watched.get_program().to_owned()];
    words.extend(watched.get_args().map(OsString::from));
    let said = output(&mut this_program(words)?)?;
    let (stdout, bytes) = said
        .trim_end()
        .rsplit_once('\n')
        .context("the watcher said nothing")?;
    Ok(Peak {
        stdout: stdout.to_owned(),
        bytes: bytes.parse().context("the watcher did not give a number")?,
    })
}

/// The watcher: runs one program, and gives the most memory it had, in bytes.
pub(crate) fn watch_peak(words: &[OsString]) -> anyhow::Result<u64> {
    let (program, rest) = words.split_first().context("no program to watch")?;
    let name = program.display();
    let status = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{name} cannot be started here"))?;
    ensure!(status.success(), "{name} ended with {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking for a child's memory")?;
    let peak = u64::try_from(usage.max_rss())
        .unwrap_or_default()
        .saturating_mul(1024);
    let own = own_peak()?;
    ensure!(
        own < peak,
        "{name} had no more memory than its watcher, {own} bytes: how much it had is not known"
    );
    Ok(peak)
}

/// The most memory that this process had, in bytes; unlike `ru_maxrss`, that of no other program before it.
fn own_peak() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM in /proc/self/status")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes.saturating_mul(1024))
}
