//! Runs other programs: their output is heard line by line, their last words are kept for the error, and none of them
//! can hang a command that gave it a limit.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How much of a failed program's standard error is shown, in bytes.
const LAST_WORDS: u64 = 4096;
/// Longer than anything here takes, short enough for the clock's arithmetic.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How the variables begin that hold signing keys and their passphrase.
const SECRETS: &str = "FIRSTLAYER_";

/// Signing is this process's business: no program that it runs gets what unlocks the keys.
pub(crate) fn without_secrets(command: &mut Command) -> &mut Command {
    let inherited = std::env::vars_os().map(|(name, _)| name);
    let given = command.get_envs().map(|(name, _)| name.to_owned());
    let names: Vec<_> = inherited.chain(given).collect();
    let secrets = names.iter().filter(|name| is_secret(name));
    secrets.fold(command, |command, name| command.env_remove(name))
}

/// Whether a variable is for this process alone.
pub(crate) fn is_secret(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(SECRETS.as_bytes())
}

/// One program to be run, and what for.
pub(crate) struct Call {
    attempt: String,
    command: Command,
    limit: Duration,
    advice: &'static str,
    order: Option<String>,
}

impl Call {
    /// `attempt` is what an error says was tried: "fetch ziglang 0.17.1".
    pub(crate) fn new(attempt: impl Into<String>, command: Command) -> Self {
        Self {
            attempt: attempt.into(),
            command,
            limit: NO_LIMIT,
            advice: "",
            order: None,
        }
    }

    /// Stops the program and fails when it runs longer than this.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What the error tells the user to do when it fails.
    pub(crate) fn advice(mut self, advice: &'static str) -> Self {
        self.advice = advice;
        self
    }

    /// Tells it this line on standard input, and keeps that open until its output ends: so it can tell that we are gone.
    pub(crate) fn told(mut self, order: String) -> Self {
        self.order = Some(order);
        self
    }

    /// Runs it and returns what it wrote on standard output.
    pub(crate) fn output(self) -> Result<String> {
        let mut output = String::new();
        self.lines(|line| {
            output.push_str(line);
            output.push('\n');
        })?;
        Ok(output)
    }

    /// Runs it for what it does.
    pub(crate) fn run(self) -> Result<()> {
        self.lines(|_| {})
    }

    /// Runs it, and lets `read` take its standard output to the end. Knows no limit.
    pub(crate) fn reading(
        mut self,
        read: impl FnOnce(ChildStdout) -> io::Result<()>,
    ) -> Result<()> {
        let (mut child, stderr) = self.start()?;
        let taken = child.stdout.take().map_or(Ok(()), read);
        self.finish(child.wait(), true, stderr)?;
        taken.map_err(|source| Error::Program {
            program: self.program(),
            source,
        })
    }

    /// Runs it, and hands on each line of its standard output as it comes.
    pub(crate) fn lines(mut self, mut on_line: impl FnMut(&str)) -> Result<()> {
        let (mut child, stderr) = self.start()?;
        let in_time = listen(&mut child, self.limit, &mut on_line);
        if !in_time {
            child.kill().map_err(|source| Error::Program {
                program: self.program(),
                source,
            })?;
        }
        self.finish(child.wait(), in_time, stderr)
    }

    fn start(&mut self) -> Result<(Child, File)> {
        let started = tempfile::tempfile().and_then(|stderr| {
            without_secrets(&mut self.command)
                .stdin(match self.order {
                    Some(_) => Stdio::piped(),
                    None => Stdio::null(),
                })
                .stdout(Stdio::piped())
                .stderr(stderr.try_clone()?);
            let mut child = self.command.spawn()?;
            if let (Some(input), Some(order)) = (&mut child.stdin, &self.order) {
                // One that ended at once says why by itself.
                let _ = writeln!(input, "{order}");
            }
            Ok((child, stderr))
        });
        started.map_err(|source| Error::Program {
            program: self.program(),
            source,
        })
    }

    fn finish(
        &self,
        waited: io::Result<ExitStatus>,
        in_time: bool,
        mut stderr: File,
    ) -> Result<()> {
        let program = self.program();
        let outcome = match waited {
            Err(source) => return Err(Error::Program { program, source }),
            Ok(_) if !in_time => {
                format!("ran longer than {} s and was stopped", self.limit.as_secs())
            }
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => said_by(status),
        };
        let (attempt, said) = (self.attempt.clone(), last_words(&mut stderr));
        Err(Error::Failed {
            attempt,
            program,
            outcome,
            said,
            next: self.advice,
        })
    }

    fn program(&self) -> String {
        self.command.get_program().to_string_lossy().into_owned()
    }
}

/// Hears the child out; false if the time was up first.
fn listen(child: &mut Child, limit: Duration, on_line: &mut impl FnMut(&str)) -> bool {
    let Some(lines) = child.stdout.take().map(read_lines) else {
        return true;
    };
    let deadline = Instant::now() + limit;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Reads on a thread of its own, which ends with the pipe; a grandchild that keeps the pipe open does not hold us up.
fn read_lines(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                break;
            }
        }
    });
    lines
}

fn said_by(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with {code}"),
        None => format!("was ended by a {status}"),
    }
}

fn last_words(stderr: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = stderr.metadata().map_or(0, |metadata| metadata.len());
    let read = stderr
        .seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))
        .and_then(|_| stderr.read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) => format!("(its words are lost: {error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Call {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Call::new("try a shell", command)
    }

    #[test]
    fn output_comes_back() {
        assert_eq!(shell("echo one; echo two").output().unwrap(), "one\ntwo\n");
    }

    #[test]
    fn no_program_sees_what_unlocks_the_keys() {
        let mut call = shell("env | grep -c ^FIRSTLAYER_; true");
        call.command.env("FIRSTLAYER_PASSPHRASE", "secret");
        assert_eq!(call.output().unwrap(), "0\n");
    }

    #[test]
    fn output_can_be_read_as_bytes_and_failure_still_counts() {
        let mut bytes = Vec::new();
        shell("printf abc")
            .reading(|mut stdout| stdout.read_to_end(&mut bytes).map(drop))
            .unwrap();
        assert_eq!(bytes, b"abc");
        assert!(shell("exit 3").reading(|_| Ok(())).is_err());
    }

    #[test]
    fn failure_tells_attempt_code_and_last_words() {
        let error = shell("echo oh dear >&2; exit 7")
            .run()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("try a shell")
                && error.contains("exited with 7")
                && error.contains("oh dear"),
            "{error}"
        );
    }

    #[test]
    fn program_that_hangs_is_stopped_even_when_a_grandchild_keeps_the_pipe() {
        let error = shell("sleep 1000 & wait")
            .within(Duration::from_millis(50))
            .run()
            .unwrap_err();
        assert!(error.to_string().contains("was stopped"), "{error}");
    }

    #[test]
    fn program_that_is_not_there_is_named() {
        let error = Call::new("x", Command::new("no-such-program-here"))
            .run()
            .unwrap_err();
        assert!(
            error.to_string().contains("no-such-program-here"),
            "{error}"
        );
    }
}
