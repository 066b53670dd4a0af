//! Programs of the printer, as lines and an end. Each dies with its value, and all of them with the namespace.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How much of a program's words an error repeats, in lines.
const LAST_WORDS: usize = 12;

/// A program that runs.
pub(super) struct Running {
    name: String,
    child: Child,
    lines: Receiver<Line>,
    said: Said,
}

/// A line, by where it was written.
enum Line {
    Out(String),
    Error(String),
}

/// What a program has said, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) out: String,
    pub(super) error: String,
    /// The exit code; none while it runs, and where a signal ended it.
    pub(super) code: Option<i32>,
}

/// Runs a command to its end.
pub(super) fn run(command: Command, limit: Duration) -> Result<Said> {
    Running::start(command)?.finish(limit)
}

impl Running {
    /// Starts a command that reads nothing.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let name = name(&command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            forward(out, Line::Out, sender.clone());
        }
        if let Some(error) = child.stderr.take() {
            forward(error, Line::Error, sender);
        }
        Ok(Self {
            name,
            child,
            lines,
            said: Said::default(),
        })
    }

    /// Waits for a line on standard error that `accept` takes; `false` if the program ends without one.
    pub(super) fn wait_for(
        &mut self,
        limit: Duration,
        accept: impl Fn(&str) -> bool,
    ) -> Result<bool> {
        let deadline = Instant::now() + limit;
        while let Some(line) = self.next(deadline)? {
            if matches!(&line, Line::Error(text) if accept(text)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits for the end.
    pub(super) fn finish(mut self, limit: Duration) -> Result<Said> {
        let deadline = Instant::now() + limit;
        while self.next(deadline)?.is_some() {}
        self.said.code = self.child.wait()?.code();
        Ok(std::mem::take(&mut self.said))
    }

    /// The next line; none when both streams have ended.
    fn next(&mut self, deadline: Instant) -> Result<Option<Line>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = match self.lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("{} is not through in time: {}", self.name, self.said)
            }
        };
        let (text, said) = match &line {
            Line::Out(text) => (text, &mut self.said.out),
            Line::Error(text) => (text, &mut self.said.error),
        };
        said.push_str(text);
        said.push('\n');
        Ok(Some(line))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already needs no signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit code {code}")?,
            None => write!(f, "no exit code")?,
        }
        let lines: Vec<_> = self.out.lines().chain(self.error.lines()).collect();
        let last = lines.len().saturating_sub(LAST_WORDS);
        lines
            .iter()
            .skip(last)
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Reads on a thread of its own, which ends with the pipe.
fn forward(stream: impl Read + Send + 'static, kind: fn(String) -> Line, lines: Sender<Line>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if lines.send(kind(text)).is_err() {
                break;
            }
        }
    });
}
